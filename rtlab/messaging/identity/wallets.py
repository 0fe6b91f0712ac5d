"""Wallets whose key is in this process: for bots, tests and demonstrations, never for an account that holds funds."""

import secrets
from collections.abc import Callable
from typing import NamedTuple

import base58
import coincurve
import sr25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rtlab.errors import MessagingError
from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.encodings import BECH32, BECH32M, bech32, regroup, ss58
from rtlab.messaging.identity.keys import ORDER, hash160, sha256
from rtlab.messaging.identity.schemes import bitcoin, bitcoin_sighash, cosmos, ethereum, near, polkadot, tezos
from rtlab.messaging.identity.statement import SPEAK, Statement

LIFE_S = 30 * 24 * 3600
"""How long a statement made here holds, unless another life is asked for."""

_Parts = tuple[str, bytes]  # key in hex, signature


class LocalWallet(NamedTuple):
    """An account and what signs for it under one scheme."""

    scheme: str
    account: str
    signer: Callable[[Statement], _Parts]

    def sign(self, statement: Statement) -> Binding:
        """Sign a statement of this account; MessagingError for one of another account."""
        if statement.account != self.account:
            raise MessagingError("a wallet signs for its own account only", expected=self.account)
        key, signature = self.signer(statement)
        return Binding(scheme=self.scheme, statement=statement.text(), key=key, signature=signature)

    def bind(
        self, device: bytes, directory: str, now: float, life_s: int = LIFE_S, purpose: str = SPEAK
    ) -> Binding:
        """State, from `now` (Unix seconds) on, that a device speaks for this account in a directory, or no more."""
        statement = Statement(
            account=self.account,
            device=device,
            directory=directory,
            issued=int(now),
            expires=int(now) + life_s,
            nonce=secrets.token_bytes(32),
            purpose=purpose,
        )
        return self.sign(statement)


def local_wallet(scheme: str, seed: bytes) -> LocalWallet:
    """Make the wallet of a scheme from 32 secret bytes; MessagingError for a scheme that has no local wallet.

    `bip322` has an address of P2WPKH, `bip322-taproot` one of P2TR, and `tezos` one of tz1, `tezos-tz2` of tz2.
    """
    make = _MAKERS.get(scheme)
    if make is None:
        raise MessagingError(
            "there is no local wallet of this scheme", expected=", ".join(_MAKERS), got=scheme
        )
    account, signer = make(seed)
    return LocalWallet(scheme.partition("-")[0], account, signer)


def _ethereum(seed: bytes, digest: Callable[[Statement], bytes]) -> tuple[str, Callable[[Statement], _Parts]]:
    key = coincurve.PrivateKey(seed)
    address = ethereum.address_of(key.public_key.format(compressed=False)[1:])

    def sign(statement: Statement) -> _Parts:
        raw = key.sign_recoverable(digest(statement), hasher=None)
        return "", raw[:64] + bytes([raw[64] + 27])

    return f"eip155:1:{address}", sign


def _ed25519(seed: bytes) -> tuple[Ed25519PrivateKey, bytes]:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _near(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    key, public = _ed25519(seed)

    def sign(statement: Statement) -> _Parts:
        return "", key.sign(near.digest(statement.text(), statement.nonce, statement.directory))

    return f"near:mainnet:{public.hex()}", sign


def _solana(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    key, public = _ed25519(seed)
    account = f"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:{base58.b58encode(public).decode()}"
    return account, lambda statement: ("", key.sign(statement.text().encode()))


def _polkadot(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    public, secret = sr25519.pair_from_seed(seed)

    def sign(statement: Statement) -> _Parts:
        return "", sr25519.sign((public, secret), polkadot.wrapped(statement.text()))

    return f"polkadot:91b171bb158e2d3848fa23a9f1c25182:{ss58(public, 0)}", sign


def _compact(key: coincurve.PrivateKey, digest: bytes) -> bytes:
    return key.sign_recoverable(digest, hasher=None)[:64]  # s is in the lower half


def _bitcoin(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    key = coincurve.PrivateKey(seed)
    public = key.public_key.format()
    address = bech32("bc", [0, *regroup(hash160(public), 8, 5, pad=True)], BECH32)
    script = bitcoin.script_of(address)
    code = b"\x76\xa9\x14" + script[2:] + b"\x88\xac"

    def sign(statement: Statement) -> _Parts:
        spent = bitcoin_sighash.spent_by(script, statement.text().encode())
        raw = key.sign(bitcoin_sighash.digest_v0(spent, code), hasher=None) + bytes([bitcoin_sighash.ALL])
        return "", b"\x02" + bytes([len(raw)]) + raw + b"\x21" + public

    return f"bip122:000000000019d6689c085ae165831e93:{address}", sign


def _taproot(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    inner = coincurve.PrivateKey(seed)
    if inner.public_key.format()[0] == 3:  # BIP-341 tweaks the key whose point has an even y
        inner = coincurve.PrivateKey.from_int(ORDER - inner.to_int())
    tweak = bitcoin_sighash.tagged("TapTweak", inner.public_key.format()[1:])
    key = inner.add(tweak)
    program = key.public_key.format()[1:]
    address = bech32("bc", [1, *regroup(program, 8, 5, pad=True)], BECH32M)
    script = bitcoin.script_of(address)

    def sign(statement: Statement) -> _Parts:
        spent = bitcoin_sighash.spent_by(script, statement.text().encode())
        return "", b"\x01\x40" + key.sign_schnorr(bitcoin_sighash.digest_v1(spent, script, 0))

    return f"bip122:000000000019d6689c085ae165831e93:{address}", sign


def _cosmos(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    key = coincurve.PrivateKey(seed)
    public = key.public_key.format()
    address = bech32("cosmos", regroup(hash160(public), 8, 5, pad=True), BECH32)

    def sign(statement: Statement) -> _Parts:
        signed = cosmos.document(address, statement.text().encode())
        return public.hex(), _compact(key, sha256(signed))

    return f"cosmos:cosmoshub-4:{address}", sign


def _tezos_address(prefix: bytes, public: bytes) -> str:
    return "tezos:NetXdQprcVkpaWU:" + base58.b58encode_check(prefix + tezos.blake2b(public, 20)).decode()


def _tezos_digest(statement: Statement) -> bytes:
    return tezos.blake2b(tezos.packed(tezos.shown(statement, statement.text())))


def _tezos(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    key, public = _ed25519(seed)
    account = _tezos_address(tezos.TZ1, public)
    return account, lambda statement: (public.hex(), key.sign(_tezos_digest(statement)))


def _tezos_tz2(seed: bytes) -> tuple[str, Callable[[Statement], _Parts]]:
    key = coincurve.PrivateKey(seed)
    public = key.public_key.format()
    account = _tezos_address(tezos.TZ2, public)
    return account, lambda statement: (public.hex(), _compact(key, _tezos_digest(statement)))


_MAKERS: dict[str, Callable[[bytes], tuple[str, Callable[[Statement], _Parts]]]] = {
    "eip191": lambda seed: _ethereum(seed, lambda s: ethereum.personal_digest(s.text().encode())),
    "eip712": lambda seed: _ethereum(seed, ethereum.typed_digest),
    "nep413": _near,
    "solana": _solana,
    "sr25519": _polkadot,
    "bip322": _bitcoin,
    "bip322-taproot": _taproot,
    "adr36": _cosmos,
    "tezos": _tezos,
    "tezos-tz2": _tezos_tz2,
}
LOCAL = tuple(_MAKERS)
"""The schemes that have a local wallet."""
