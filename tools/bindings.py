"""Write the bindings that the verifiers of both languages are tested on: genuine ones, and forgeries of each.

`python tools/bindings.py > tests/fixtures/messaging/bindings.json`. Keys are hashes of a word: they guard nothing.
"""

import hashlib
import json
from collections.abc import Iterator

from rtlab.messaging.identity.binding import Binding
from rtlab.messaging.identity.keys import ORDER, ORDER_25519, der, from_der
from rtlab.messaging.identity.statement import Statement, read
from rtlab.messaging.identity.wallets import LOCAL, LocalWallet, local_wallet

NOW = 1_790_000_000
DAY = 86_400
DIRECTORY = "relay.example"


def seed(word: str) -> bytes:
    return hashlib.sha256(f"rtlab test {word}".encode()).digest()


def stated(wallet: LocalWallet, **changes: object) -> Statement:
    fields = {
        "account": wallet.account,
        "device": seed("device"),
        "directory": DIRECTORY,
        "issued": NOW - DAY,
        "expires": NOW + 30 * DAY,
        "nonce": seed(f"nonce {wallet.scheme}"),
    }
    return Statement(**fields | changes)


def changed(binding: Binding, **changes: object) -> Binding:
    fields = {name: getattr(binding, name) for name in binding.__struct_fields__}
    return Binding(**fields | changes)


def flipped(raw: bytes, at: int) -> bytes:
    at %= len(raw)
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def upper_half(compact: bytes) -> bytes:
    return compact[:32] + (ORDER - int.from_bytes(compact[32:], "big")).to_bytes(32, "big")


def malleated(name: str, signature: bytes) -> bytes:
    """Give another encoding of the same signature, that lax verifiers take."""
    if name in ("eip191", "eip712"):
        return upper_half(signature[:64]) + bytes([55 - signature[64]])
    if name in ("adr36", "tezos-tz2"):
        return upper_half(signature)
    if name == "bip322":
        size = signature[1]
        raw = der(upper_half(from_der(signature[2 : 1 + size]))) + b"\x01"
        return b"\x02" + bytes([len(raw)]) + raw + signature[2 + size :]
    if name == "bip322-taproot":
        return b"\x01\x41" + signature[2:] + b"\x00"
    mark = 0x80 if name == "sr25519" else 0
    s = int.from_bytes(signature[32:63] + bytes([signature[63] & ~mark]), "little") + ORDER_25519
    raw = s.to_bytes(32, "little")
    return signature[:32] + raw[:31] + bytes([raw[31] | mark])


def forgeries(name: str, wallet: LocalWallet, good: Binding) -> Iterator[tuple[str, Binding]]:
    other = local_wallet(name, seed(f"other {name}"))
    statement = read(good.statement)

    def swapped(**fields: object) -> Binding:  # another text under the genuine signature
        names = statement.__struct_fields__
        text = Statement(**{n: getattr(statement, n) for n in names} | fields).text()
        return changed(good, statement=text)

    yield "other-nonce", swapped(nonce=seed("another nonce"))
    yield "longer-life", swapped(expires=NOW + 60 * DAY)
    yield "other-account", swapped(account=other.account)
    yield "signed-by-other", changed(other.sign(stated(other)), statement=good.statement)
    yield "other-directory-swapped", swapped(directory="evil.example")
    yield "other-directory-signed", wallet.sign(stated(wallet, directory="evil.example"))
    yield "expired", wallet.sign(stated(wallet, issued=NOW - 40 * DAY, expires=NOW - DAY))
    yield "future", wallet.sign(stated(wallet, issued=NOW + DAY, expires=NOW + 2 * DAY))
    yield "too-long", wallet.sign(stated(wallet, issued=NOW - DAY, expires=NOW + 90 * DAY))
    yield "device-swapped", swapped(device=seed("evil device"))
    yield "device-signed", wallet.sign(stated(wallet, device=seed("evil device")))
    yield "revocation", wallet.sign(stated(wallet, purpose="revoke"))
    yield "purpose-swapped", swapped(purpose="revoke")
    yield "malleated", changed(good, signature=malleated(name, good.signature))
    yield "truncated", changed(good, signature=good.signature[:-1])
    yield "extended", changed(good, signature=good.signature + b"\0")
    yield "empty", changed(good, signature=b"")
    yield "zero", changed(good, signature=bytes(len(good.signature)))
    for at in (3, 20, 40, -2, -1):
        yield f"flipped{at}", changed(good, signature=flipped(good.signature, at))
    yield "key-added", changed(good, key=other.sign(stated(other)).key or "02" * 33)
    yield "key-removed-or-short", changed(good, key=good.key[:-2] or "ab")
    for scheme in ("eip191", "eip712", "nep413", "solana", "sr25519", "bip322", "adr36", "tezos", "none"):
        if scheme != good.scheme:
            yield f"scheme-{scheme}", changed(good, scheme=scheme)
    yield "text-with-space", changed(good, statement=good.statement + " ")
    yield "text-with-field", changed(good, statement=good.statement + "\nadmin: yes")
    yield "text-in-capitals", changed(good, statement=good.statement.replace("account", "Account"))


def needs_chain(wallet: LocalWallet) -> Iterator[tuple[str, Binding]]:
    if wallet.scheme == "eip191":
        yield "contract-without-resolver", changed(wallet.sign(stated(wallet)), scheme="eip1271")
    if wallet.scheme == "nep413":
        named = LocalWallet("nep413", "near:mainnet:alice.near", wallet.signer)
        binding = named.sign(stated(named))
        yield "named-without-resolver", changed(binding, key=wallet.account.rpartition(":")[2])


def row(name: str, case: str, binding: Binding, genuine: bool) -> dict[str, object]:
    return {"wallet": name, "case": case, "genuine": genuine, "binding": binding.encoded().decode()}


def main() -> None:
    rows = []
    for name in LOCAL:
        wallet = local_wallet(name, seed(name))
        good = wallet.sign(stated(wallet))
        rows.append(row(name, "genuine", good, True))
        rows += [row(name, case, one, False) for case, one in forgeries(name, wallet, good)]
        rows += [row(name, case, one, False) for case, one in needs_chain(wallet)]
    about = {"now": NOW, "device": seed("device").hex(), "directory": DIRECTORY}
    print(json.dumps(about | {"cases": rows}, indent=1))


if __name__ == "__main__":
    main()
