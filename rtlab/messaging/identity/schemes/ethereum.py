"""Ethereum: personal messages (EIP-191, version 0x45) and typed data (EIP-712); contract wallets by a resolver.

The address must have its checksum (EIP-55), so that an account has one name.
"""

import re
from typing import TYPE_CHECKING

from rtlab.errors import IdentityError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.keys import keccak256, recover_secp256k1
from rtlab.messaging.identity.statement import REVOKE, SPEAK, Statement, written

if TYPE_CHECKING:
    from rtlab.messaging.identity.verifying import Resolver

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_CHAIN = re.compile(r"eip155:[1-9][0-9]{0,15}")
_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId)"
_DEVICE_TYPE = (
    b"Device(string notice,string account,bytes32 device,string directory,"
    b"string issued,string expires,bytes32 nonce)"
)
NOTICES = {
    SPEAK: "This device will read and write messages as this account until it expires. It moves no funds.",
    REVOKE: "This device will no longer be believed to speak for this account. It moves no funds.",
}


def address_of(key: bytes) -> str:
    """Give the address with its checksum (EIP-55) of an uncompressed key (64 bytes)."""
    return with_checksum(keccak256(key)[12:].hex())


def with_checksum(digits: str) -> str:
    """Write 40 hexadecimal digits as EIP-55 does."""
    low = digits.lower()
    check = keccak256(low.encode()).hex()
    return "0x" + "".join(c.upper() if int(check[i], 16) > 7 else c for i, c in enumerate(low))


def personal_digest(message: bytes) -> bytes:
    """Give what `personal_sign` signs (EIP-191)."""
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message)


def typed_digest(statement: Statement) -> bytes:
    """Give what `eth_signTypedData_v4` signs (EIP-712) for a statement."""
    chain = int(statement.account.split(":")[1])
    domain = [
        keccak256(_DOMAIN_TYPE),
        keccak256(b"rtlab messaging"),
        keccak256(b"1"),
        chain.to_bytes(32, "big"),
    ]
    fields = [
        keccak256(_DEVICE_TYPE),
        keccak256(NOTICES[statement.purpose].encode()),
        keccak256(statement.account.encode()),
        statement.device,
        keccak256(statement.directory.encode()),
        keccak256(written(statement.issued).encode()),
        keccak256(written(statement.expires).encode()),
        statement.nonce,
    ]
    return struct_digest(keccak256(b"".join(domain)), keccak256(b"".join(fields)))


def struct_digest(domain: bytes, hashed: bytes) -> bytes:
    """Join the separator of a domain and the hash of a struct (EIP-712)."""
    return keccak256(b"\x19\x01" + domain + hashed)


def _check_personal(
    statement: Statement, address: str, binding: Binding, resolver: "Resolver | None"
) -> None:
    _check_account(statement, address)
    _check(address, binding, personal_digest(binding.statement.encode()))


def _check_typed(statement: Statement, address: str, binding: Binding, resolver: "Resolver | None") -> None:
    _check_account(statement, address)
    _check(address, binding, typed_digest(statement))


def _check_contract(
    statement: Statement, address: str, binding: Binding, resolver: "Resolver | None"
) -> None:
    _check_account(statement, address)
    if resolver is None:
        raise IdentityError(
            "a contract wallet (EIP-1271) is asked on its chain: no resolver is given for that"
        )
    digest = personal_digest(binding.statement.encode())
    if not resolver.is_valid_signature(statement.account, digest, binding.signature):
        raise IdentityError("the contract wallet says that it did not sign this statement", got=address)


def _check(address: str, binding: Binding, digest: bytes) -> None:
    if binding.key:
        raise IdentityError("an Ethereum signature comes without a key", got=binding.key)
    if binding.signature[64:] not in (b"\x1b", b"\x1c"):
        raise IdentityError(
            "an Ethereum signature is r, s, v with v 27 or 28", got=binding.signature[64:].hex()
        )
    signer = address_of(recover_secp256k1(digest, binding.signature))
    if signer != address:
        raise IdentityError("another Ethereum account signed this statement", expected=address, got=signer)


def _check_account(statement: Statement, address: str) -> None:
    if not _CHAIN.fullmatch(statement.account.rpartition(":")[0]):
        raise IdentityError("a scheme of Ethereum is for accounts of eip155", got=statement.account)
    if not _ADDRESS.fullmatch(address) or with_checksum(address[2:]) != address:
        raise IdentityError("an Ethereum address has a wrong checksum (EIP-55)", got=address)


SCHEMES = {"eip191": _check_personal, "eip712": _check_typed, "eip1271": _check_contract}
