"""The bounds of a relay, each refused aloud."""

import msgspec


class RelayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one device, account or connection; counts, bytes, or so many a second."""

    envelope_bytes: int = 48_000
    recipients: int = 32  # devices that one envelope goes to
    mailbox: int = 10_000  # envelopes that wait for one device
    stranger_messages: int = 5  # of one account that the other has not accepted
    strangers: int = 100  # accounts that wait to be accepted by one
    packages: int = 100  # key packages of one device
    claims_per_hour: int = 200  # one-time key packages of one account; then its last resort is given
    devices: int = 16  # of one account
    attachments_bytes: int = 100 * 2**20  # of one account
    attachments_total_bytes: int = 2**30
    attachment_life_s: int = 7 * 24 * 3600
    chunks_per_s: float = 200.0  # of attachments, by one connection
    chunks_burst: int = 64
    per_s: float = 50.0  # requests of one connection
    burst: int = 200
    outgoing: int = 512  # messages that wait for one connection; more stay in its mailbox
    inbox: int = 20_000  # envelopes that wait to be stored, of all
    tasks: int = 256  # other requests under way, of all
    sender_memory: int = 1_000  # identifiers that are remembered of one sender, by mailbox
    sender_memory_s: int = 7 * 24 * 3600
