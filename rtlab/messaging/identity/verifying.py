"""Verify a binding: what every client does with every credential, never on the relay's word."""

from collections.abc import Callable, Collection
from types import ModuleType
from typing import Protocol

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.schemes import bitcoin, cosmos, ethereum, near, polkadot, solana, tezos
from rtlab.messaging.identity.statement import SPEAK, Statement, check_time, read


class Resolver(Protocol):
    """Looks up on a chain what a signature alone cannot tell. It is the host's to give: there is none by default."""

    def is_valid_signature(self, account: str, digest: bytes, signature: bytes) -> bool:
        """Ask a contract wallet (EIP-1271) whether it made this signature of a 32-byte digest."""

    def keys_of(self, account: str) -> Collection[bytes]:
        """Give the full-access Ed25519 keys (32 bytes each) of a named NEAR account."""


Verifier = Callable[[Statement, str, Binding, Resolver | None], None]

_FAMILIES: tuple[ModuleType, ...] = (ethereum, near, solana, polkadot, bitcoin, cosmos, tezos)
SCHEMES: dict[str, Verifier] = {name: check for family in _FAMILIES for name, check in family.SCHEMES.items()}
"""How to check each scheme."""


def verify(
    binding: Binding,
    *,
    device: bytes,
    directory: str,
    now: float,
    account: str | None = None,
    resolver: Resolver | None = None,
    purpose: str = SPEAK,
) -> Statement:
    """Give the statement of a binding that is genuine, holds at `now` (Unix seconds), and is for this device.

    `device` is the key it must name, `directory` where it is used, `account` whose it must be, where that is known.
    IdentityError says what is wrong; also for EIP-1271 and named NEAR accounts where no resolver is given.
    """
    statement = read(binding.statement)
    check_time(statement, now)
    if statement.purpose != purpose:
        raise IdentityError("a statement is for another purpose", expected=purpose, got=statement.purpose)
    if statement.device != device:
        raise IdentityError(
            "a statement is for another device", expected=device.hex(), got=statement.device.hex()
        )
    if statement.directory != directory:
        raise IdentityError(
            "a statement is for another directory", expected=directory, got=statement.directory
        )
    if account is not None and statement.account != account:
        raise IdentityError("a statement is of another account", expected=account, got=statement.account)
    check_signature(statement, binding, resolver)
    return statement


def check_signature(statement: Statement, binding: Binding, resolver: Resolver | None = None) -> None:
    """IdentityError unless the wallet of the statement's account signed it."""
    check = SCHEMES.get(binding.scheme)
    if check is None:
        raise IdentityError(
            "the scheme of a signature is not known", expected=", ".join(sorted(SCHEMES)), got=binding.scheme
        )
    address = statement.account.split(":", 2)[2]
    check(statement, address, binding, resolver)
