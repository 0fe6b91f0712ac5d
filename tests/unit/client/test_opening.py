import logging
import ssl

import pytest
from support.certificates import make_certificate

from rtlab.client.opening import MAX_MESSAGE, Opening, log
from rtlab.errors import ConfigError

SECRET = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"


def test_a_token_goes_into_the_header_and_is_shown_nowhere():
    opening = Opening("rtlab.v1.json", token=SECRET)
    assert opening.settings("ws://host")["additional_headers"] == {"Authorization": f"Bearer {SECRET}"}
    assert SECRET not in repr(opening)
    assert "additional_headers" not in Opening("rtlab.v1.json").settings("ws://host")


def test_a_renewed_token_is_shown_from_then_on():
    opening = Opening("rtlab.v1.json", token=SECRET)
    opening.renew("newer")
    assert opening.settings("ws://host")["additional_headers"] == {"Authorization": "Bearer newer"}


@pytest.mark.parametrize("token", ["two words", "line\r\nX-Other: 1", "caf\u00e9"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(token):
    with pytest.raises(ConfigError, match="visible ASCII") as refused:
        Opening("rtlab.v1.json", token=token)
    assert token not in str(refused.value)


def test_what_websockets_logs_of_headers_is_below_our_level():
    assert Opening("x").settings("ws://host")["logger"] is log
    assert not log.isEnabledFor(logging.DEBUG)


def test_compression_is_asked_for_only_when_wanted_and_without_a_context():
    assert "extensions" not in Opening("x").settings("ws://host")
    settings = Opening("x", compression=True).settings("ws://host")
    assert settings["compression"] is None  # or websockets would offer its own
    [offer] = settings["extensions"]
    assert (offer.server_no_context_takeover, offer.client_no_context_takeover) == (True, True)
    assert settings["max_size"] == MAX_MESSAGE


def test_certificates_are_for_wss_alone(tmp_path):
    missing = tmp_path / "none.pem"
    with pytest.raises(ConfigError, match=r"none\.pem"):
        Opening("x", ca_file=missing)
    missing.write_text("no certificate")
    with pytest.raises(ConfigError, match="a PEM file"):
        Opening("x", ca_file=missing)
    certificate, _ = make_certificate(tmp_path / "made")
    opening = Opening("x", ca_file=certificate)
    assert "ssl" not in opening.settings("ws://host")
    context = opening.settings("wss://host")["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
