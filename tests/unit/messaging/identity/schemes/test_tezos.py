import base58
import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Binding, Statement, check_signature, read
from rtlab.messaging.identity.schemes import tezos
from rtlab.messaging.identity.wallets import local_wallet

WALLETS = [local_wallet(name, b"\x0d" * 32) for name in ("tezos", "tezos-tz2")]


def moved(statement: Statement, address: str) -> Statement:
    fields = {name: getattr(statement, name) for name in statement.__struct_fields__}
    return Statement(**fields | {"account": f"tezos:NetXdQprcVkpaWU:{address}"})


def test_a_text_is_packed_with_its_length():
    assert tezos.packed("abc") == bytes.fromhex("050100000003") + b"abc"


@pytest.mark.parametrize("wallet", WALLETS, ids=["tz1", "tz2"])
def test_the_shown_text_says_for_whom_and_when(wallet):
    binding = wallet.bind(bytes(32), "relay.example", 86400)
    statement = read(binding.statement)
    assert tezos.shown(statement, binding.statement).startswith(
        "Tezos Signed Message: relay.example 1970-01-02T00:00:00Z rtlab messaging"
    )
    check_signature(statement, binding)


@pytest.mark.parametrize("wallet", WALLETS, ids=["tz1", "tz2"])
@pytest.mark.parametrize(
    "address", ["tz3Wr5nbY2Kk4Jm1", "KT1ThEdxfUcWUwqsdergy3QnbCWGHSUHeHJq", "tz1", "tz1" + "1" * 33]
)
def test_other_kinds_of_accounts_are_refused(wallet, address):
    binding = wallet.bind(bytes(32), "relay", 0)
    with pytest.raises(IdentityError):
        check_signature(moved(read(binding.statement), address), binding)


def test_the_kind_of_an_address_says_the_kind_of_its_key():
    tz1, tz2 = WALLETS
    binding = tz2.bind(bytes(32), "relay", 0)
    key = bytes.fromhex(binding.key)
    crossed = base58.b58encode_check(tezos.TZ1 + tezos.blake2b(key, 20)).decode()
    with pytest.raises(IdentityError, match="Ed25519 key has a wrong length"):
        check_signature(moved(read(binding.statement), crossed), binding)
    binding = tz1.bind(bytes(32), "relay", 0)
    crossed = base58.b58encode_check(tezos.TZ2 + tezos.blake2b(bytes.fromhex(binding.key), 20)).decode()
    with pytest.raises(IdentityError, match="secp256k1 key has a wrong length"):
        check_signature(moved(read(binding.statement), crossed), binding)


def test_a_checksum_that_does_not_fit_is_refused():
    wallet = WALLETS[0]
    binding = wallet.bind(bytes(32), "relay", 0)
    address = wallet.account.rpartition(":")[2]
    broken = address[:-1] + ("2" if address[-1] != "2" else "3")
    with pytest.raises(IdentityError, match="checksum"):
        check_signature(moved(read(binding.statement), broken), binding)


def test_the_signature_is_over_the_packed_text_and_nothing_shorter():
    wallet = WALLETS[0]
    binding = wallet.bind(bytes(32), "relay", 0)
    other = Binding(
        scheme="tezos", statement=binding.statement + " ", key=binding.key, signature=binding.signature
    )
    with pytest.raises(IdentityError, match="not of this statement"):
        check_signature(read(binding.statement), other)
