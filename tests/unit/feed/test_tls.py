import asyncio
import contextlib
import ssl

import pytest
from support.certificates import make_certificate
from support.waiting import until

from rtlab.errors import ConfigError
from rtlab.feed.tls import Secured, server_context


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


class Answering:
    """Stands for the connection of a gateway: answers what comes in capitals."""

    def __init__(self):
        self.transport = self.below = None
        self.lost = False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data.upper())

    def eof_received(self):
        return None

    def connection_lost(self, exc):
        self.lost = True


@contextlib.asynccontextmanager
async def answering(folder, within_s=5.0):
    certificate, key = make_certificate(folder)
    made, context = [], server_context(certificate, key)

    def accept():
        made.append(Answering())
        return Secured(context, within_s, made[-1])

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    async with server:
        yield made, server.sockets[0].getsockname()[1], ssl.create_default_context(cafile=str(certificate))


async def test_what_comes_with_the_end_of_the_handshake_is_answered_and_what_is_below_is_known(tmp_path):
    async with answering(tmp_path) as (made, port, context):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(came, goes, server_hostname="127.0.0.1")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        writer.write(goes.read())
        while True:
            came.write(await reader.read(4096))
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                break
        tls.write(b"at once")
        writer.write(goes.read())  # the end of the handshake and the first message in one
        said = b""
        while not said:
            came.write(await reader.read(4096))
            with contextlib.suppress(ssl.SSLWantReadError):
                said = tls.read()
        assert said == b"AT ONCE"
        assert made[0].below.get_extra_info("peername") == writer.get_extra_info("sockname")
        writer.close()
        await until(lambda: made[0].lost)


async def test_what_waits_for_a_peer_that_does_not_read_is_seen_below(tmp_path):
    async with answering(tmp_path) as (made, port, context):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.transport.pause_reading()
        await until(lambda: made[0].transport is not None)
        made[0].transport.write(bytes(64 << 20))
        held = made[0].below.get_write_buffer_size()
        assert held > 32 << 20
        assert made[0].transport.get_write_buffer_size() < held
        made[0].transport.abort()
        assert made[0].below.get_write_buffer_size() == 0
        writer.close()


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"", None])
async def test_who_shakes_no_hands_is_closed_and_no_connection_was_made(said, tmp_path):
    async with answering(tmp_path, within_s=0.2) as (made, port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if said is None:
            writer.write_eof()
        else:
            writer.write(said)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        assert [one.transport for one in made] == [None]
