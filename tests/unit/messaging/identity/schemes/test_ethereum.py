from dataclasses import dataclass

import coincurve
import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Binding, Statement, check_signature
from rtlab.messaging.identity.schemes import ethereum
from rtlab.messaging.identity.wallets import local_wallet

WALLETS = [local_wallet(name, b"\x07" * 32) for name in ("eip191", "eip712")]
CHECKSUMMED = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


def stated(wallet, **changes) -> Statement:
    fields = {
        "account": wallet.account,
        "device": b"\1" * 32,
        "directory": "relay",
        "issued": 0,
        "expires": 9,
        "nonce": b"\2" * 32,
    }
    return Statement(**fields | changes)


def with_signature(binding: Binding, signature: bytes) -> Binding:
    return Binding(scheme=binding.scheme, statement=binding.statement, key=binding.key, signature=signature)


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_addresses_are_written_as_eip_55_does(address):
    assert ethereum.with_checksum(address[2:].lower()) == address


@pytest.mark.parametrize("wallet", WALLETS, ids=lambda w: w.scheme)
@pytest.mark.parametrize(
    "spelling", [str.lower, str.upper, lambda a: a.replace("0x", "0X"), lambda a: a[:-1]]
)
def test_an_address_spelled_otherwise_is_refused(wallet, spelling):
    chain, _, address = wallet.account.rpartition(":")
    statement = stated(wallet, account=f"{chain}:{spelling(address)}")
    binding = wallet.sign(stated(wallet))
    with pytest.raises(IdentityError, match="checksum"):
        check_signature(statement, binding)


@pytest.mark.parametrize(
    "account", ["eip155:0:0x", "eip155:x:0x", "eip155:01:0x", "solana:1:0x", "bip122:1:0x"]
)
def test_only_chains_of_ethereum_are_known_here(account):
    wallet = WALLETS[0]
    statement = stated(wallet, account=account + wallet.account.rpartition("0x")[2])
    with pytest.raises(IdentityError, match="eip155"):
        check_signature(statement, wallet.sign(stated(wallet)))


@pytest.mark.parametrize("wallet", WALLETS, ids=lambda w: w.scheme)
def test_v_is_27_or_28_and_nothing_else(wallet):
    statement = stated(wallet)
    binding = wallet.sign(statement)
    check_signature(statement, binding)
    v = binding.signature[64]
    for other in (v - 27, v ^ 7, 0, 1, 29, 255):
        with pytest.raises(IdentityError):
            check_signature(statement, with_signature(binding, binding.signature[:64] + bytes([other])))


def test_the_same_key_under_the_other_scheme_is_refused():
    personal, typed = WALLETS
    assert personal.account == typed.account
    for signs, claims in ((personal, "eip712"), (typed, "eip191")):
        made = signs.sign(stated(signs))
        claimed = Binding(scheme=claims, statement=made.statement, key="", signature=made.signature)
        with pytest.raises(IdentityError, match="another Ethereum account"):
            check_signature(stated(signs), claimed)


@pytest.mark.parametrize(
    "change",
    [
        {"account": WALLETS[1].account.replace("eip155:1:", "eip155:10:")},
        {"device": b"\3" * 32},
        {"directory": "relay2"},
        {"issued": 1},
        {"expires": 10},
        {"nonce": b"\4" * 32},
    ],
    ids=lambda c: next(iter(c)),
)
def test_every_field_changes_what_is_signed_as_typed_data(change):
    wallet = WALLETS[1]
    assert ethereum.typed_digest(stated(wallet)) != ethereum.typed_digest(stated(wallet, **change))


@dataclass
class Asked:
    answer: bool
    digest: bytes = b""

    def is_valid_signature(self, account, digest, signature):
        self.digest = digest
        return self.answer

    def keys_of(self, account):
        raise AssertionError("this is not asked of a contract")


def test_a_contract_is_asked_about_the_digest_of_the_text():
    wallet = WALLETS[0]
    statement = stated(wallet)
    binding = Binding(scheme="eip1271", statement=statement.text(), key="", signature=b"anything")
    chain = Asked(answer=True)
    check_signature(statement, binding, chain)
    assert chain.digest == ethereum.personal_digest(statement.text().encode())
    with pytest.raises(IdentityError):
        check_signature(statement, binding, Asked(answer=False))


def test_an_address_is_of_its_key():
    key = coincurve.PrivateKey(b"\x07" * 32).public_key.format(compressed=False)[1:]
    assert WALLETS[0].account == f"eip155:1:{ethereum.address_of(key)}"
