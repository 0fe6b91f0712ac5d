import pytest
import sr25519

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Binding, check_signature, read
from rtlab.messaging.identity.encodings import ss58
from rtlab.messaging.identity.keys import ORDER_25519
from rtlab.messaging.identity.schemes import polkadot
from rtlab.messaging.identity.wallets import LocalWallet, local_wallet

WALLET = local_wallet("sr25519", b"\x0a" * 32)
PUBLIC, SECRET = sr25519.pair_from_seed(b"\x0a" * 32)


def test_what_is_signed_is_wrapped_so_that_it_can_be_no_transaction():
    binding = WALLET.bind(bytes(32), "relay", 0)
    statement = read(binding.statement)
    check_signature(statement, binding)
    bare = sr25519.sign((PUBLIC, SECRET), binding.statement.encode())
    with pytest.raises(IdentityError, match="not of this statement"):
        check_signature(
            statement, Binding(scheme="sr25519", statement=binding.statement, key="", signature=bare)
        )


@pytest.mark.parametrize("network", [0, 2, 42])
def test_an_address_of_any_network_is_its_key(network):
    account = f"polkadot:91b171bb158e2d3848fa23a9f1c25182:{ss58(PUBLIC, network)}"
    binding = LocalWallet("sr25519", account, WALLET.signer).bind(bytes(32), "relay", 0)
    check_signature(read(binding.statement), binding)


def test_s_beyond_the_order_and_a_missing_mark_are_refused():
    signature = sr25519.sign((PUBLIC, SECRET), b"text")
    polkadot.check_sr25519(PUBLIC, b"text", signature)
    s = int.from_bytes(signature[32:63] + bytes([signature[63] & 0x7F]), "little") + ORDER_25519
    raw = s.to_bytes(32, "little")
    with pytest.raises(IdentityError, match="malleated"):
        polkadot.check_sr25519(PUBLIC, b"text", signature[:32] + raw[:31] + bytes([raw[31] | 0x80]))
    with pytest.raises(IdentityError, match="mark"):
        polkadot.check_sr25519(PUBLIC, b"text", signature[:63] + bytes([signature[63] & 0x7F]))


def test_a_key_that_is_no_point_is_refused():
    signature = sr25519.sign((PUBLIC, SECRET), b"text")
    for key in (b"\xff" * 32, bytes(31), b""):
        with pytest.raises(IdentityError):
            polkadot.check_sr25519(key, b"text", signature)
