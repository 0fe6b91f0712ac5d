"""Solana: the wallet standard's signMessage, an Ed25519 signature over the text itself; the address is the key."""

from typing import TYPE_CHECKING

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.encodings import base58_bytes
from rtlab.messaging.identity.keys import check_ed25519, need
from rtlab.messaging.identity.statement import Statement

if TYPE_CHECKING:
    from rtlab.messaging.identity.verifying import Resolver


def _check(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> None:
    if not statement.account.startswith("solana:"):
        raise IdentityError("a scheme of Solana is for its accounts", got=statement.account)
    if binding.key:
        raise IdentityError("a Solana address is its key: expected no other", got=binding.key)
    key = need(base58_bytes(address, "a Solana address"), 32, "a Solana address")
    check_ed25519(key, binding.statement.encode(), binding.signature)


SCHEMES = {"solana": _check}
