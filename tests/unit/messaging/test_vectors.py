"""Published vectors, decided by the libraries and verifiers that messaging uses; what is left out says why."""

import hmac
import json
import re
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from support.messaging import HPKE, javascript_report, vectors

from rtlab.errors import IdentityError
from rtlab.messaging.identity.keys import (
    check_ed25519,
    check_secp256k1,
    from_der,
    keccak256,
    recover_secp256k1,
    sha256,
)
from rtlab.messaging.identity.schemes import bitcoin, ethereum, near, tezos

WANTED = {"valid": True, "invalid": False, "acceptable": None}
IV = "the IV is not of 96 bits, which MLS never uses"
AES_192 = "AES-192 is not in browsers, and in no suite of MLS"


def H(digits: str) -> bytes:
    return bytes.fromhex(digits.removeprefix("0x"))


def accepts(check: Callable[[], object]) -> bool:
    try:
        return check() is not False
    except Exception:  # noqa: BLE001 - every library has its own error for what is forged
        return False


def compressed(point: bytes) -> bytes:
    return bytes([2 + (point[-1] & 1)]) + point[1:33]


def ed25519(case, group):
    check_ed25519(H(group["publicKey"]["pk"]), H(case["msg"]), H(case["sig"]))


def secp256k1(case, group):
    key = compressed(H(group["publicKey"]["uncompressed"]))
    check_secp256k1(key, sha256(H(case["msg"])), from_der(H(case["sig"])))


def x25519(case, group):
    private = X25519PrivateKey.from_private_bytes(H(case["private"]))
    return private.exchange(X25519PublicKey.from_public_bytes(H(case["public"]))) == H(case["shared"])


def hkdf(case, group):
    kdf = HKDF(hashes.SHA256(), case["size"], H(case["salt"]) or None, H(case["info"]))
    return kdf.derive(H(case["ikm"])) == H(case["okm"])


def chacha20(case, group):
    opened = ChaCha20Poly1305(H(case["key"])).decrypt(
        H(case["iv"]), H(case["ct"] + case["tag"]), H(case["aad"])
    )
    return opened == H(case["msg"])


def aes_gcm(case, group):
    opened = AESGCM(H(case["key"])).decrypt(H(case["iv"]), H(case["ct"] + case["tag"]), H(case["aad"]))
    return opened == H(case["msg"])


def left_out(name, group):
    if name == "aes_gcm" and group["ivSize"] != 96:
        return IV
    return AES_192 if name == "aes_gcm" and group["keySize"] == 192 else None


WYCHEPROOF = {
    "ed25519": ed25519,
    "ecdsa_secp256k1_sha256_bitcoin": secp256k1,
    "x25519": x25519,
    "hkdf_sha256": hkdf,
    "chacha20_poly1305": chacha20,
    "aes_gcm": aes_gcm,
}


@pytest.mark.recorded
@pytest.mark.parametrize("name", WYCHEPROOF)
def test_wycheproof_is_decided_as_it_says(name):
    skipped, differences, agreed = Counter(), [], 0
    for group in vectors(f"wycheproof/{name}_test.json.gz")["testGroups"]:
        for case in group["tests"]:
            wanted, why = WANTED[case["result"]], left_out(name, group)
            if why is not None:
                skipped[why] += 1
                continue
            got = accepts(lambda case=case, group=group: WYCHEPROOF[name](case, group))
            agreed += wanted in (None, got)
            if wanted not in (None, got):
                differences.append((case["tcId"], case["comment"]))
    print(f"{name}: {agreed} agreed, left out {dict(skipped)}")
    assert differences == []
    assert agreed >= 86
    theirs = javascript_report()[name]
    assert theirs == {"agreed": agreed, "skipped": dict(skipped), "differences": []}


@pytest.mark.recorded
def test_bip322_decides_all_eleven():
    file = vectors("bip322.json")
    genuine = [(one["address"], one["message"], sig) for one in file["simple"] for sig in one["sigs"]]
    for address, message, signature in genuine:
        bitcoin.check_simple(address, message.encode(), signature)
    for one in file["error"]:
        with pytest.raises(IdentityError):
            bitcoin.check_simple(one["address"], one["message"].encode(), one["sig"])
    assert len(genuine) + len(file["error"]) == 11


@pytest.mark.recorded
def test_eip191_gives_the_published_digest_and_signer():
    example = vectors("eip.json")["eip191"]
    digest = ethereum.personal_digest(example["message"].encode())
    assert digest == H(example["hash"])
    signer = ethereum.address_of(recover_secp256k1(digest, H(example["signature"])))
    assert signer == "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"


@pytest.mark.recorded
def test_eip712_gives_the_published_digests_and_signers():
    for example in (vectors("eip.json")["eip712_httpOrigin"], vectors("eip712_mail.json")):
        signature = H(example["r"]) + int(example["s"], 16).to_bytes(32, "big") + bytes([example["v"]])
        signer = ethereum.address_of(recover_secp256k1(H(example["digest"]), signature))
        assert signer.lower() == example["signer"].lower()
    person = keccak256(b"Person(string name,address wallet)")
    mail = vectors("eip712_mail.json")["typed"]["message"]
    people = [
        keccak256(person + keccak256(one["name"].encode()) + H(one["wallet"]).rjust(32, b"\0"))
        for one in (mail["from"], mail["to"])
    ]
    kind = keccak256(b"Mail(Person from,Person to,string contents)Person(string name,address wallet)")
    struct = keccak256(kind + b"".join(people) + keccak256(mail["contents"].encode()))
    contract = H("0x" + "cC" * 20).rjust(32, b"\0")
    kind = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    one = (1).to_bytes(32, "big")
    domain = keccak256(kind + keccak256(b"Ether Mail") + keccak256(b"1") + one + contract)
    assert ethereum.struct_digest(domain, struct) == H(vectors("eip712_mail.json")["digest"])


@pytest.mark.recorded
def test_nep413_gives_the_digest_of_its_example():
    example = vectors("nep413_example.json")
    url = example["callbackUrl"]
    assert near.digest(example["message"], H(example["nonce_hex"]), example["recipient"], url) == H(
        example["sha256"]
    )


def is_by(key: bytes, digest: bytes, signature: bytes) -> bool:
    return recover_secp256k1(digest, signature) == key[1:]


def mailchain_key(name: str) -> tuple[str, bytes]:
    owner, kind = re.fullmatch(r"(Alice|Bob)(ED25519|SECP256K1|SECP256R1)PublicKey", name).groups()
    keys = vectors("mailchain_vectors.json")["keys"]
    return kind, H(
        keys[f"{owner}_ed25519_pub" if kind == "ED25519" else f"{owner}_secp256k1_pub_uncompressed"]
    )


@pytest.mark.recorded
def test_mailchain_signatures_are_decided_as_it_decides():
    file = vectors("mailchain_vectors.json")
    for case in file["eth_personal"]:
        kind, key = mailchain_key(case["key"])
        digest = ethereum.personal_digest(case["message"].encode())
        got = accepts(partial(is_by, key if kind == "SECP256K1" else b"", digest, H(case["signature"])))
        assert got is (case["expected"] == "true"), case["name"]
    decided = 0
    for case in file["tezos_micheline"]:
        kind, key = mailchain_key(case["key"])
        if kind == "SECP256R1":  # keys of tz3 are not in the file, and no scheme of rtlab
            continue
        digest = tezos.blake2b(tezos.packed(tezos.PREFIX + case["message"]))
        check = check_ed25519 if kind == "ED25519" else check_secp256k1
        key = key if kind == "ED25519" else compressed(key)
        got = accepts(partial(check, key, digest, H(case["signature"])))
        assert got is (case["expected"] == "true"), case["name"]
        decided += 1
    assert decided == 7


def extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + ikm, "sha256")


def expand(suite: bytes, secret: bytes, label: bytes, info: bytes, size: int) -> bytes:
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(hashes.SHA256(), size, labelled).derive(secret)


def test_rfc9180_in_the_suite_of_mls_is_what_the_primitives_give():
    """Python's HPKE takes no associated data, and mls-rs shows none of its own: the steps are taken one by one."""
    wanted = json.loads(HPKE.read_bytes())
    (one,) = [v for v in wanted if (v["mode"], v["kem_id"], v["kdf_id"], v["aead_id"]) == (0, 32, 1, 1)]
    kem, suite = b"KEM\0\x20", b"HPKE\0\x20\0\x01\0\x01"
    key = X25519PrivateKey.from_private_bytes(H(one["skRm"]))
    assert key.public_key().public_bytes_raw() == H(one["pkRm"])
    shared = key.exchange(X25519PublicKey.from_public_bytes(H(one["enc"])))
    secret = expand(
        kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", H(one["enc"] + one["pkRm"]), 32
    )
    assert secret == H(one["shared_secret"])
    context = (
        b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", H(one["info"]))
    )
    prk = extract(suite, secret, b"secret", b"")
    nonce = expand(suite, prk, b"base_nonce", context, 12)
    aead = AESGCM(expand(suite, prk, b"key", context, 16))
    for n, sealed in enumerate(one["encryptions"]):
        at = (int.from_bytes(nonce, "big") ^ n).to_bytes(12, "big")
        assert at == H(sealed["nonce"])
        assert aead.decrypt(at, H(sealed["ct"]), H(sealed["aad"])) == H(sealed["pt"])
    exporter = expand(suite, prk, b"exp", context, 32)
    for told in one["exports"]:
        assert expand(suite, exporter, b"sec", H(told["exporter_context"]), told["L"]) == H(
            told["exported_value"]
        )


@pytest.mark.recorded
def test_javascript_finds_no_difference_and_names_what_it_leaves_out():
    report = javascript_report()
    print({name: one["skipped"] for name, one in report.items() if one["skipped"]})
    assert {name: one["differences"] for name, one in report.items() if one["differences"]} == {}
    agreed = {name: one["agreed"] for name, one in report.items()}
    assert agreed["bip322"] == 11
    assert agreed["rfc9180"] > 256
    assert agreed["mailchain eth_personal"] == 5
    assert agreed["mailchain tezos_micheline"] == 7
    assert (agreed["eip191"], agreed["eip712"], agreed["nep413"]) == (2, 3, 1)
    assert all(len(why) > 20 for one in report.values() for why in one["skipped"])
