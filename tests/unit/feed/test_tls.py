import ssl

import pytest
from support.certificates import make_certificate

from rtlab.errors import ConfigError
from rtlab.feed.tls import server_context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    """Let both talk in memory, and give the version that they agreed on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(to_server, to_client, server_side=True)
    there = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    waiting = [there, here]
    for _ in range(10):
        for one in list(waiting):
            try:
                one.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(one)
    assert not waiting
    return there.version()


def test_a_client_that_trusts_the_certificate_gets_in(tmp_path):
    certificate, key = make_certificate(tmp_path)
    server = server_context(certificate, key)
    client = ssl.create_default_context(cafile=str(certificate))
    assert shake_hands(server, client) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, ssl.create_default_context())


def test_old_versions_are_not_spoken(tmp_path):
    assert server_context(*make_certificate(tmp_path)).minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_are_missing_foreign_locked_or_strangers_are_told_apart(tmp_path):
    certificate, key = make_certificate(tmp_path / "a")
    _, other = make_certificate(tmp_path / "b")
    _, locked = make_certificate(tmp_path / "c", passphrase=b"secret")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    for pair, why in [
        ((tmp_path / "none.pem", key), "none.pem cannot be read"),
        ((certificate, tmp_path / "none.pem"), "none.pem cannot be read"),
        ((text, key), "belong together"),
        ((certificate, text), "belong together"),
        ((certificate, other), "belong together"),
        ((tmp_path / "c" / "certificate.pem", locked), "without a passphrase"),
    ]:
        with pytest.raises(ConfigError, match=why) as wrong:
            server_context(*pair)
        assert "\n" not in str(wrong.value)
