import logging
import os

import pytest
from support.certificates import make_certificate
from support.markets import HandMarket
from support.tokens import SECRET, token

from rtlab.config import Settings
from rtlab.errors import AddressError, ConfigError
from rtlab.lab.door import admission, gateway_of, limits


def test_settings_become_the_limits_of_a_connection():
    found = limits(
        Settings(heartbeat_s=0.5, evict_after_s=3.0, window_bytes=4096, messages_per_s=10.0, idle_s=7.0)
    )
    assert (found.heartbeat_s, found.evict_after_s, found.window_ceiling) == (0.5, 3.0, 4096)
    assert (found.messages_per_s, found.messages_burst, found.idle_s) == (10.0, 25, 7.0)


def test_settings_become_the_rules_of_the_door():
    door = admission(Settings(allowed_origins="local, https://lab.example", connections_per_address=3))
    assert door.tokens is None
    assert door.policy.origins == ("local", "https://lab.example")
    assert (door.policy.connections_per_address, door.policy.accept_per_s) == (3, 1000.0)
    assert not door.guarded


def test_a_key_file_makes_readers_bring_tokens(tmp_path):
    key, revoked = tmp_path / "key", tmp_path / "revoked"
    key.write_bytes(SECRET)
    revoked.write_text("t1\n")
    door = admission(
        Settings(
            token_key=str(key),
            token_issuer="https://issuer.example",
            token_revoked=str(revoked),
        )
    )
    assert door.guarded
    assert door.tokens.verify(token(jti="t2")).id == "t2"
    assert "t1" in door.tokens.revoked


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"token_key": "/nowhere/key"}, "/nowhere/key cannot be read"),
        ({"token_revoked": os.devnull}, "needs the key"),
        ({"tls_cert": "a.pem"}, "both of tls_cert and tls_key"),
        ({"tls_key": "a.pem"}, "both of tls_cert and tls_key"),
        ({"tls_cert": "a.pem", "tls_key": "b.pem"}, "a.pem cannot be read"),
    ],
)
def test_a_setting_that_makes_no_sense_is_one_clear_line(settings, why):
    with pytest.raises(ConfigError, match=why) as wrong:
        gateway_of(Settings(**settings), HandMarket())
    assert "\n" not in str(wrong.value)


async def test_with_a_certificate_it_is_wss(tmp_path):
    certificate, key = make_certificate(tmp_path)
    settings = Settings(port=0, tls_cert=str(certificate), tls_key=str(key))
    async with gateway_of(settings, HandMarket()) as gateway:
        assert gateway.url.startswith("wss://127.0.0.1:")


async def test_other_machines_are_let_in_only_where_that_is_meant(caplog):
    with pytest.raises(AddressError, match="allow_anyone"):
        async with gateway_of(Settings(host="0.0.0.0", port=0), HandMarket()):
            pass
    with caplog.at_level(logging.WARNING, "rtlab"):
        async with gateway_of(Settings(host="0.0.0.0", port=0, allow_anyone=True), HandMarket()) as gateway:
            assert gateway.port > 0
    assert "without TLS" in caplog.text
