"""Who a device speaks for: a statement that a wallet signs, verified by every client for itself."""

from rtlab.messaging.identity.binding import Binding, decoded
from rtlab.messaging.identity.statement import LONGEST_S, REVOKE, SPEAK, Statement, check_time, read
from rtlab.messaging.identity.verifying import SCHEMES, Resolver, check_signature, verify

__all__ = [
    "LONGEST_S",
    "REVOKE",
    "SCHEMES",
    "SPEAK",
    "Binding",
    "Resolver",
    "Statement",
    "check_signature",
    "check_time",
    "decoded",
    "read",
    "verify",
]
