import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Binding, check_signature, read
from rtlab.messaging.identity.schemes import near
from rtlab.messaging.identity.wallets import LocalWallet, local_wallet

WALLET = local_wallet("nep413", b"\x08" * 32)
KEY = WALLET.account.rpartition(":")[2]


def signed_as(account: str) -> Binding:
    return LocalWallet("nep413", account, WALLET.signer).bind(bytes(32), "relay", 0)


class Chain:
    def is_valid_signature(self, account, digest, signature):
        raise AssertionError("this is not asked of NEAR")

    def keys_of(self, account):
        return {bytes.fromhex(KEY)} if account.endswith(":alice.near") else set()


@pytest.mark.parametrize("account", ["near:betanet:", "solana:mainnet:", "near:Mainnet:"])
def test_only_the_networks_of_near_are_known(account):
    binding = signed_as(account + KEY)
    with pytest.raises(IdentityError, match="accounts of NEAR"):
        check_signature(read(binding.statement), binding, Chain())


@pytest.mark.parametrize("name", ["-alice.near", "alice..near", "Alice.near", "alice.near."])
def test_what_is_no_account_is_not_looked_up(name):
    binding = signed_as(f"near:mainnet:{name}")
    with pytest.raises(IdentityError, match="no NEAR account"):
        check_signature(read(binding.statement), binding, Chain())


@pytest.mark.parametrize("key", ["", KEY[:-2], KEY + "00"])
def test_a_named_account_brings_a_whole_key(key):
    binding = signed_as("near:mainnet:alice.near")
    brought = Binding(scheme="nep413", statement=binding.statement, key=key, signature=binding.signature)
    with pytest.raises(IdentityError, match="comes with it"):
        check_signature(read(binding.statement), brought, Chain())


def test_a_key_of_one_named_account_is_none_of_another():
    for name, genuine in (("alice.near", True), ("mallory.near", False)):
        binding = signed_as(f"near:mainnet:{name}")
        brought = Binding(scheme="nep413", statement=binding.statement, key=KEY, signature=binding.signature)
        if genuine:
            check_signature(read(binding.statement), brought, Chain())
        else:
            with pytest.raises(IdentityError, match="not among those"):
                check_signature(read(binding.statement), brought, Chain())


def test_the_digest_depends_on_every_part():
    base = ("text", bytes(32), "relay", None)
    digests = {near.digest(*base)}
    for i, other in enumerate(("texu", b"\1" + bytes(31), "relaz", "")):
        digests.add(near.digest(*base[:i], other, *base[i + 1 :]))
    assert len(digests) == 5
