import pytest
from support.messaging import bindings, javascript_report

from rtlab.errors import IdentityError
from rtlab.messaging.identity import SCHEMES, Binding, check_signature, decoded, read, verify
from rtlab.messaging.identity.wallets import LOCAL, local_wallet

CASES = bindings()["cases"]
DEVICE, DIRECTORY, NOW = bytes.fromhex(bindings()["device"]), bindings()["directory"], bindings()["now"]


def accepts(encoded: str) -> bool:
    try:
        verify(decoded(encoded.encode()), device=DEVICE, directory=DIRECTORY, now=NOW)
    except IdentityError:
        return False
    return True


@pytest.mark.parametrize("wallet", LOCAL)
def test_the_genuine_binding_of_a_wallet_is_accepted_and_every_forgery_refused(wallet):
    cases = [one for one in CASES if one["wallet"] == wallet]
    wrong = [one["case"] for one in cases if accepts(one["binding"]) is not one["genuine"]]
    assert wrong == []
    assert sum(one["genuine"] for one in cases) == 1
    assert sum(not one["genuine"] for one in cases) >= 30


def test_javascript_decides_on_every_binding_as_python_does():
    told = javascript_report()["bindings"]
    assert told["differences"] == []
    assert told["agreed"] == len(CASES)


def test_the_cases_cover_what_a_forger_can_change():
    of = {one["case"] for one in CASES if one["wallet"] == "eip191"}
    for what in (
        "other-nonce",
        "other-account",
        "other-directory-signed",
        "expired",
        "device-signed",
        "malleated",
    ):
        assert what in of
    assert {"truncated", "scheme-solana", "too-long", "future", "contract-without-resolver"} <= of


def test_a_genuine_binding_is_refused_for_another_account_and_another_device():
    binding = decoded(CASES[0]["binding"].encode())
    with pytest.raises(IdentityError, match="another account"):
        verify(binding, device=DEVICE, directory=DIRECTORY, now=NOW, account="eip155:1:0x" + "0" * 40)
    with pytest.raises(IdentityError, match="another device"):
        verify(binding, device=bytes(32), directory=DIRECTORY, now=NOW)


class Chain:
    """A resolver of a chain where alice.near has one key and one contract signs everything of length 3."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.asked: list[str] = []

    def is_valid_signature(self, account: str, digest: bytes, signature: bytes) -> bool:
        self.asked.append(account)
        return len(digest) == 32 and len(signature) == 3

    def keys_of(self, account: str) -> list[bytes]:
        self.asked.append(account)
        return [self.key]


def find(case: str) -> Binding:
    return decoded(next(one["binding"] for one in CASES if one["case"] == case).encode())


def test_a_named_near_account_is_refused_by_name_without_a_resolver_and_asked_with_one():
    binding = find("named-without-resolver")
    statement = read(binding.statement)
    with pytest.raises(IdentityError, match="no resolver is given"):
        check_signature(statement, binding)
    check_signature(statement, binding, Chain(bytes.fromhex(binding.key)))
    with pytest.raises(IdentityError, match="not among those"):
        check_signature(statement, binding, Chain(bytes(32)))


def test_a_contract_wallet_is_refused_by_name_without_a_resolver_and_asked_with_one():
    good = find("contract-without-resolver")
    statement = read(good.statement)
    with pytest.raises(IdentityError, match=r"EIP-1271.*no resolver"):
        check_signature(statement, good)
    chain = Chain(b"")
    with pytest.raises(IdentityError, match="did not sign"):
        check_signature(statement, good, chain)
    signed = Binding(scheme="eip1271", statement=good.statement, key="", signature=b"yes")
    check_signature(statement, signed, chain)
    assert chain.asked == [statement.account] * 2


def test_every_scheme_has_a_wallet_to_test_it_but_those_that_need_a_chain():
    assert {local_wallet(name, b"\1" * 32).scheme for name in LOCAL} == set(SCHEMES) - {"eip1271"}
