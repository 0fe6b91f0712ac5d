import json

import coincurve
import pytest

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Binding, Statement, check_signature, read
from rtlab.messaging.identity.encodings import BECH32, BECH32M, bech32, regroup
from rtlab.messaging.identity.keys import hash160, sha256
from rtlab.messaging.identity.schemes import cosmos
from rtlab.messaging.identity.wallets import local_wallet

KEY = coincurve.PrivateKey(b"\x0b" * 32)
PUBLIC = KEY.public_key.format()
WORDS = regroup(hash160(PUBLIC), 8, 5, pad=True)


def signed(address: str, key: bytes = PUBLIC) -> tuple[Statement, Binding]:
    statement = Statement(
        account=f"cosmos:osmosis-1:{address}",
        device=bytes(32),
        directory="relay",
        issued=0,
        expires=9,
        nonce=bytes(32),
    )
    text = statement.text()
    signature = KEY.sign_recoverable(sha256(cosmos.document(address, text.encode())), hasher=None)[:64]
    return statement, Binding(scheme="adr36", statement=text, key=key.hex(), signature=signature)


def test_the_document_is_the_canonical_one_of_adr_36():
    document = cosmos.document("cosmos1abc", b"hello")
    assert document == (
        b'{"account_number":"0","chain_id":"","fee":{"amount":[],"gas":"0"},"memo":"","msgs":[{"type":'
        b'"sign/MsgSignData","value":{"data":"aGVsbG8=","signer":"cosmos1abc"}}],"sequence":"0"}'
    )
    assert json.dumps(json.loads(document), separators=(",", ":"), sort_keys=True).encode() == document


@pytest.mark.parametrize("prefix", ["cosmos", "osmo", "celestia"])
def test_chains_of_cosmos_differ_by_their_prefix_only(prefix):
    check_signature(*signed(bech32(prefix, WORDS, BECH32)))


def test_the_address_must_be_of_the_key_in_its_own_encoding():
    other = coincurve.PrivateKey(b"\x0c" * 32).public_key.format()
    for address, key in (
        (bech32("cosmos", WORDS, BECH32M), PUBLIC),
        (bech32("cosmos", WORDS[:-1], BECH32), PUBLIC),
        (bech32("cosmos", WORDS, BECH32), other),
        (bech32("cosmos", regroup(hash160(other), 8, 5, pad=True), BECH32), PUBLIC),
    ):
        with pytest.raises(IdentityError):
            check_signature(*signed(address, key))


def test_an_uncompressed_key_and_none_are_refused():
    for key in (KEY.public_key.format(compressed=False), b""):
        with pytest.raises(IdentityError, match="compressed key"):
            check_signature(*signed(bech32("cosmos", WORDS, BECH32), key))


def test_a_wallet_of_another_family_is_refused():
    binding = local_wallet("solana", bytes(range(32))).bind(bytes(32), "relay", 0)
    claimed = Binding(
        scheme="adr36", statement=binding.statement, key=PUBLIC.hex(), signature=binding.signature
    )
    with pytest.raises(IdentityError, match="accounts of Cosmos"):
        check_signature(read(binding.statement), claimed)
