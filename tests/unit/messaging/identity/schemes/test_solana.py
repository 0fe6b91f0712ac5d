import base58
import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Binding, Statement, check_signature, read
from rtlab.messaging.identity.wallets import local_wallet

WALLET = local_wallet("solana", b"\x09" * 32)
BINDING = WALLET.bind(bytes(32), "relay", 0)
STATEMENT = read(BINDING.statement)


def test_the_text_itself_is_signed():
    check_signature(STATEMENT, BINDING)
    other = Binding(scheme="solana", statement=BINDING.statement + "\n", key="", signature=BINDING.signature)
    with pytest.raises(IdentityError, match="not of this statement"):
        check_signature(STATEMENT, other)


@pytest.mark.parametrize(
    "address", [base58.b58encode(b"\1" * 31).decode(), base58.b58encode(b"\1" * 33).decode(), "0OIl", "1"]
)
def test_an_address_that_is_no_key_is_refused(address):
    fields = {name: getattr(STATEMENT, name) for name in STATEMENT.__struct_fields__}
    statement = Statement(**fields | {"account": f"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:{address}"})
    with pytest.raises(IdentityError, match="Solana address"):
        check_signature(statement, BINDING)


def test_a_key_beside_the_address_is_refused():
    brought = Binding(
        scheme="solana", statement=BINDING.statement, key="00" * 32, signature=BINDING.signature
    )
    with pytest.raises(IdentityError, match="no other"):
        check_signature(STATEMENT, brought)


def test_other_chains_of_ed25519_are_not_taken_for_solana():
    tezos = local_wallet("tezos", b"\x09" * 32)
    binding = tezos.bind(bytes(32), "relay", 0)
    claimed = Binding(scheme="solana", statement=binding.statement, key="", signature=binding.signature)
    with pytest.raises(IdentityError, match="for its accounts"):
        check_signature(read(binding.statement), claimed)
