"""What only the members of a conversation read: MLS groups, inside of envelopes that their devices sign.

MLS (RFC 9420, suite 0x0001) is done by mls-rs here and by ts-mls in browsers; neither it nor its primitives are ours.
"""
