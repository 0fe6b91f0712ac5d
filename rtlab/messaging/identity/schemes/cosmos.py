"""Cosmos: arbitrary data (ADR-36), an ECDSA signature over a sign document that no chain would take."""

from base64 import b64encode
from typing import TYPE_CHECKING

import msgspec

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.encodings import BECH32, bech32_words, regroup
from rtlab.messaging.identity.keys import check_secp256k1, hash160, sha256
from rtlab.messaging.identity.statement import Statement

if TYPE_CHECKING:
    from rtlab.messaging.identity.verifying import Resolver


def document(signer: str, message: bytes) -> bytes:
    """Give the Amino sign document of ADR-36: canonical JSON, keys in order."""
    value = {"data": b64encode(message).decode(), "signer": signer}
    fields = {
        "account_number": "0",
        "chain_id": "",
        "fee": {"amount": [], "gas": "0"},
        "memo": "",
        "msgs": [{"type": "sign/MsgSignData", "value": value}],
        "sequence": "0",
    }
    return msgspec.json.encode(fields)


def _check(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> None:
    if not statement.account.startswith("cosmos:"):
        raise IdentityError("ADR-36 is for accounts of Cosmos", got=statement.account)
    if len(binding.key) != 66:
        raise IdentityError("a Cosmos signature comes with a compressed key", got=binding.key)
    key = bytes.fromhex(binding.key)
    _, words, kind = bech32_words(address)
    if kind != BECH32 or bytes(regroup(words, 5, 8, pad=False)) != hash160(key):
        raise IdentityError("a key is not that of the Cosmos account", expected=address, got=binding.key)
    check_secp256k1(key, sha256(document(address, binding.statement.encode())), binding.signature)


SCHEMES = {"adr36": _check}
