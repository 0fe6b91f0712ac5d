from rtlab.messaging.identity.keys import sha256
from rtlab.messaging.identity.schemes.bitcoin import script_of
from rtlab.messaging.identity.schemes.bitcoin_sighash import digest_v0, digest_v1, spent_by, tagged


def test_the_hashes_of_messages_are_those_of_bip_322():
    told = {
        b"": "c90c269c4f8fcbe6880f72a721ddfbf1914268a794cbb21cfafee13770ae19f1",
        b"Hello World": "f0eb03b1a75ac6d9847f55c624a99169b5dccba2a31f5b23bea77ba270de0a7a",
    }
    for message, digest in told.items():
        assert tagged("BIP0322-signed-message", message).hex() == digest


def test_the_transaction_to_be_spent_has_the_id_of_bip_322():
    script = script_of("bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l")
    told = {
        b"": "c5680aa69bb8d860bf82d4e9cd3504b55dde018de765a91bb566283c545a99a7",
        b"Hello World": "b79d196740ad5217771c1098fc4a4b51e0535c32236c71f1ea4d61a2d603352b",
    }
    for message, txid in told.items():
        assert spent_by(script, message)[::-1].hex() == txid


def test_a_tag_separates_what_is_hashed():
    assert tagged("a", b"x") != tagged("b", b"x") != sha256(b"x")


def test_what_is_signed_depends_on_the_message_the_script_and_the_kind():
    one, other = spent_by(b"\0\x14" + bytes(20), b"a"), spent_by(b"\0\x14" + bytes(20), b"b")
    digests = [
        digest_v0(one, b"\x51"),
        digest_v0(other, b"\x51"),
        digest_v0(one, b"\x52"),
        digest_v1(one, b"\x51", 0),
        digest_v1(one, b"\x51", 1),
        digest_v1(one, b"\x52", 0),
        digest_v1(other, b"\x51", 0),
    ]
    assert len(set(digests)) == len(digests)
