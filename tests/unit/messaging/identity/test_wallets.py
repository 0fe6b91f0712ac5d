import pytest

from rtlab.errors import MessagingError
from rtlab.messaging.identity import verify
from rtlab.messaging.identity.wallets import LIFE_S, LOCAL, local_wallet


@pytest.mark.parametrize("name", LOCAL)
def test_a_local_wallet_makes_bindings_that_verify(name):
    wallet = local_wallet(name, bytes(range(1, 33)))
    binding = wallet.bind(b"\5" * 32, "relay.example", 1_790_000_000.7)
    statement = verify(
        binding, device=b"\5" * 32, directory="relay.example", now=1_790_000_000, account=wallet.account
    )
    assert statement.expires - statement.issued == LIFE_S
    assert local_wallet(name, bytes(range(1, 33))).account == wallet.account
    assert local_wallet(name, bytes(range(2, 34))).account != wallet.account


def test_a_wallet_signs_for_its_own_account_only():
    one, other = (local_wallet("solana", bytes([n]) * 32) for n in (1, 2))
    statement = verify(other.bind(bytes(32), "relay", 0), device=bytes(32), directory="relay", now=0)
    with pytest.raises(MessagingError, match="own account"):
        one.sign(statement)
    with pytest.raises(MessagingError, match="no local wallet"):
        local_wallet("eip1271", bytes(32))
