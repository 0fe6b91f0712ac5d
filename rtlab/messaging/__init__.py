"""Wallet-to-wallet messages: who somebody is, what only the two read, how it is carried, and how it is seen.

    identity/     a statement that a wallet signs: a device speaks for an account. Eight schemes, Python and JavaScript
    directory     the log of an account's devices, chained by hashes; the safety number
    encryption/   envelopes that devices sign, padding, MLS groups (RFC 9420, suite 0x0001) by mls-rs
    relay/        a path of the gateway that keeps envelopes until they are fetched
    correspondent the bots' client; connection, below it, what speaks to a relay; attachments, files beside messages
    js/           the browser's code: the same verifiers, MLS by ts-mls, the messenger, the widget
    widget, pages, bundle, office   the widget in notebooks and Panel, on a plain page, and a relay to try it with

Threat model. What is defended, and the test of it (under tests/):

    a forged or swapped statement, key or device    unit/messaging/identity, property/messaging/test_identity.py
    the relay injects a device or a member          property/messaging/test_attacks.py (swaps or injects), people.js
    the relay changes, hides or forks a log         unit/messaging/test_directory.py; heads go inside of messages, and
                                                    browser/test_messages.py (two devices), test_messenger_parts.py
    an account has other devices than before        the same: both sides are told to compare the safety number again
    any byte changed on the way; replays            property/messaging/test_attacks.py (flipped byte, replays)
    a forgery that spends a genuine message's key   the same: the genuine one arrives after every forgery
    two commits of one epoch                        unit/messaging/relay/test_relay.py (the first commit wins)
    a stolen state: the past, and after an update   property/messaging/test_attacks.py (leaked state)
    a removed or revoked device                     property/messaging/test_interop.py, unit/messaging/relay
    a file's chunk changed, moved, cut, swapped     unit/messaging/test_attachments.py, encryption/test_files.py
    text that would be code                         browser/test_messages.py (never run), at a strict policy
    two tabs with one device                        browser/test_messages.py (one tab owns a device)
    a flood of strangers                            faults/test_relay_hostile.py; unit/messaging/relay/test_relay.py
    who reads the relay's memory, store and logs    faults/test_relay_hostile.py (a canary is nowhere)
    a kill of the relay or of its Redis             faults/test_relay_killed.py

What is left open, plainly:

    metadata      the relay knows which accounts write to each other, when, and how much to the next bucket of length;
                  commits of mls-rs are signed but not encrypted, so that it also sees who is added to a bot's groups
    files         the relay knows how large a file is to the byte, and which account fetches it; whoever is told the
                  name and the key of one by a member reads it as long as it is kept
    withholding   a relay can keep a message back; the other side does not see that until it writes by another way
    a live page   code that runs on the page where the widget is, runs as its owner; storage is encrypted by a key that
                  cannot be taken out of the browser, which keeps copies of the disk out, not such code
    no audit      ts-mls 1.6.4 and the bindings of mls-rs have had none; both are pinned exactly
    reordering    the keys of up to 1,000 skipped messages, and of the last four epochs, are kept: who steals a device
                  reads what it was sent and had not yet received, also after an update
    new keys      come every 50 messages or 24 hours of writing: until then a stolen state reads on
    left halves   of a tree that becomes empty: ts-mls and mls-rs would differ, such a group is ended and begun anew
    storage       browsers write with relaxed durability: a machine that stops may lose the last moment, keys too.
                  States that were gone on from are kept until a second passes without a save, or for 1,024 saves:
                  who steals the storage and may use its key reads by them what came in since, which lies there too
    contracts     EIP-1271 and named NEAR accounts need a resolver of the host; without one they are refused by name
    bots          their groups live as long as their process, they remove no devices, and pin logs
                  but compare them with nobody's
"""
