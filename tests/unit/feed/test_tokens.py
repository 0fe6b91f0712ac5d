import base64
import hashlib
import hmac
import json
import os
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from support.tokens import SECRET, claims, private_key, public_pem, token, tokens

from rtlab.errors import ConfigError, ProtocolError
from rtlab.feed.tokens import LONGEST_TOKEN, Revoked, read_key


def part(fields: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


def refused(judge, text: str) -> str:
    with pytest.raises(ProtocolError) as refusal:
        judge.verify(text)
    assert refusal.value.code == 4001
    assert len(text) < 20 or text[:20] not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_valid_token_says_who_what_and_until_when():
    until = time.time() + 60
    claimed = tokens(leeway_s=5).verify(
        token(exp=until, channels=["book", "trades/BTC-USD"], jti="t1", subscriptions=3)
    )
    assert (claimed.id, claimed.grant.who, claimed.grant.subscriptions) == ("t1", "ann", 3)
    assert claimed.expires == pytest.approx(until + 5, abs=1e-3)
    assert claimed.grant.allows("trades", "BTC-USD")
    assert not claimed.grant.allows("trades", "ETH-USD")


def test_a_token_without_an_id_is_known_by_its_digest():
    one, two = token(sub="a"), token(sub="b")
    ids = [tokens().verify(text).id for text in (one, one, two)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0] not in one


@pytest.mark.parametrize("kind", ["RS256", "ES256", "EdDSA"])
def test_the_key_decides_the_algorithm(kind):
    judge = tokens(public_pem(kind))
    assert judge.algorithm == kind
    assert judge.verify(token(private_key(kind), kind)).grant.who == "ann"
    for other in {"RS256", "ES256", "EdDSA"} - {kind}:
        assert "another way" in refused(judge, token(private_key(other), other))
    assert "another way" in refused(judge, token())


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused():
    pem = public_pem("RS256")
    unsigned = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    mac = hmac.new(pem, unsigned.encode(), hashlib.sha256).digest()
    forged = f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert "another way" in refused(tokens(pem), forged)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "HS512", "HS256 "])
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_an_unsigned_token_is_refused_whatever_it_calls_that(name, signature):
    forged = f"{part({'alg': name, 'typ': 'JWT'})}.{part(claims())}.{signature}"
    refused(tokens(), forged)
    refused(tokens(public_pem("EdDSA")), forged)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"exp": 1}, "has ended"),
        ({"exp": None}, "lacks the claim 'exp'"),
        ({"nbf": 4e9}, "not valid yet"),
        ({"iss": "https://elsewhere.example"}, "another issuer"),
        ({"iss": None}, "lacks the claim 'iss'"),
        ({"aud": "other"}, "another audience"),
        ({"aud": None}, "lacks the claim 'aud'"),
        ({"sub": None}, "lacks the claim 'sub'"),
        ({"sub": ""}, "a claim that is wrong"),
        ({"channels": None}, "a claim that is wrong"),
        ({"channels": "book"}, "a claim that is wrong"),
        ({"channels": [1]}, "a claim that is wrong"),
        ({"channels": ["x"] * 1001}, "too long"),
        ({"jti": ""}, "a claim that is wrong"),
        ({"subscriptions": -1}, "a claim that is wrong"),
        ({"subscriptions": "many"}, "a claim that is wrong"),
        ({"exp": float("nan")}, "not a token"),
        ({"exp": float("inf")}, "not a token"),
        ({"exp": "soon"}, "not a token"),
    ],
    ids=str,
)
def test_a_claim_that_is_missing_or_wrong_is_named(changed, why):
    assert why in refused(tokens(), token(**changed))


def test_clocks_may_differ_by_the_leeway_and_no_more():
    ended = token(exp=time.time() - 3)
    assert tokens(leeway_s=10).verify(ended).grant.who == "ann"
    assert "ended" in refused(tokens(leeway_s=1), ended)


def test_a_token_of_another_key_is_refused():
    assert "not signed with the key" in refused(tokens(), token(os.urandom(32)))


def test_a_token_whose_header_is_nested_deeper_than_python_likes_is_refused():
    deep = base64.urlsafe_b64encode(b"[" * 2500).decode().rstrip("=")
    assert "is not a token" in refused(tokens(), f"{deep}.e30.e30")


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_refused_in_one_line(text):
    refused(tokens(), text)


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data):
    text = token(exp=4e9, jti="fixed")
    at = data.draw(st.integers(0, len(text) - 2))  # the last one has spare bits
    changed = data.draw(st.sampled_from("ABCxyz019-_.!é"))
    if text[at] != changed:
        with pytest.raises(ProtocolError):
            tokens().verify(text[:at] + changed + text[at + 1 :])


def test_a_token_that_is_too_long_is_not_looked_at():
    assert "too long" in refused(tokens(), "x" * (LONGEST_TOKEN + 1))


def test_a_revoked_token_or_subject_is_refused():
    judge = tokens()
    judge.revoked.add("t1")
    assert "revoked" in refused(judge, token(jti="t1"))
    assert judge.verify(token(jti="t2")).id == "t2"
    judge.revoked.add("ann")
    assert "revoked" in refused(judge, token(jti="t2"))


def test_the_list_of_revoked_tokens_is_read_again_where_it_changed(tmp_path):
    path = tmp_path / "revoked.txt"
    path.write_text("# leavers\nt1\n\n  bob  \n")
    revoked = Revoked(path)
    assert ["t1" in revoked, "bob" in revoked, "# leavers" in revoked, "t2" in revoked] == [1, 1, 0, 0]
    path.write_text("t2 \nmore\n")
    os.utime(path, ns=(1, 1))
    assert revoked.reload()
    assert ["t1" in revoked, "t2" in revoked] == [False, True]
    path.unlink()
    assert not revoked.reload()
    assert "t2" in revoked


def test_a_list_that_is_not_there_at_the_start_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="revoked"):
        Revoked(tmp_path / "none.txt")


def private_pem() -> bytes:
    return private_key("RS256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def weak_pem(key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (b"hunter2", "32 bytes or more"),
        (b"x" * 31 + b"\n", "got 31"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "PEM public key"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDExMTExMTEx me", "PEM public key"),
        (private_pem, "PEM public key"),
        (lambda: weak_pem(rsa.generate_private_key(65537, 1024)), "2048"),
        (lambda: weak_pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
    ],
    ids=["short", "newline", "broken", "ssh", "private", "weak", "curve"],
)
def test_a_key_that_is_not_one_we_take_is_refused_and_not_shown(key, why):
    key = key if isinstance(key, bytes) else key()
    with pytest.raises(ConfigError, match=why) as wrong:
        tokens(key)
    assert key.decode()[:40] not in str(wrong.value)


def test_a_secret_file_may_end_with_a_newline(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(SECRET + b"\n")
    assert tokens(read_key(path)).verify(token()).grant.who == "ann"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_key(tmp_path / "none")
