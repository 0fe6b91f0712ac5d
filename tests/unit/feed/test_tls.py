import asyncio
import contextlib
import socket
import ssl

import pytest
import uvloop
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
    """Stands for the connection of a gateway: answers what comes in capitals, and notes what it is told."""

    def __init__(self):
        self.transport = None
        self.told = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data.upper())

    def eof_received(self):
        self.told.append("eof")

    def pause_writing(self):
        self.told.append("pause")

    def resume_writing(self):
        self.told.append("resume")

    def connection_lost(self, exc):
        self.told.append("lost")


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


LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])


def on(new_loop, test):
    """Run it on such a loop: what is served runs on uvloop, and a notebook's loop is asyncio's."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(test, 30))


@LOOPS
def test_many_clients_shake_hands_at_once_and_are_answered(new_loop, tmp_path):
    async def ask(port, context, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        said = f"number {number}".encode()
        writer.write(said)
        assert await reader.readexactly(len(said)) == said.upper()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def test():
        async with answering(tmp_path) as (made, port, context):
            await asyncio.gather(*(ask(port, context, number) for number in range(40)))
            await until(lambda: [one.told[-1:] for one in made] == [["lost"]] * 40)
            assert made[0].transport.get_extra_info("sslcontext") is not None
            assert made[0].transport.get_extra_info("nothing", 5) == 5

    on(new_loop, test())


@LOOPS
def test_what_comes_with_the_end_of_the_handshake_is_answered(new_loop, tmp_path):
    async def test():
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
            with contextlib.suppress(ssl.SSLError):
                tls.unwrap()  # and it says that it says no more
            writer.write(goes.read())  # all in one
            said = b""
            while not said:
                came.write(await reader.read(4096))
                with contextlib.suppress(ssl.SSLWantReadError):
                    said = tls.read()
            assert said == b"AT ONCE"
            assert await reader.read() is not None
            await until(lambda: made[0].told == ["eof", "lost"])
            writer.close()

    on(new_loop, test())


@LOOPS
def test_what_waits_for_a_peer_that_does_not_read_is_counted_and_goes_with_it(new_loop, tmp_path):
    async def test():
        async with answering(tmp_path) as (made, port, context):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            await until(lambda: made[0].transport is not None)
            transport = made[0].transport
            transport.write(bytes(1000))
            assert transport.get_write_buffer_size() == 0  # the socket took it at once
            assert await reader.readexactly(1000) == bytes(1000)
            transport.write(bytes(64 << 20))
            assert 32 << 20 < transport.get_write_buffer_size() < 65 << 20
            assert made[0].told == ["pause"]
            assert await reader.readexactly(64 << 20) == bytes(64 << 20)
            await until(lambda: made[0].told == ["pause", "resume"])
            transport.write(bytes(64 << 20))
            transport.abort()
            assert transport.is_closing()
            transport.write(b"nothing comes of this")
            await until(lambda: made[0].told[-1] == "lost")
            writer.close()

    on(new_loop, test())


@LOOPS
def test_who_is_closed_gets_what_was_written_and_is_told_by_tls(new_loop, tmp_path):
    def read(port, context):
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as peer,
        ):
            return sum(map(len, iter(lambda: peer.recv(1 << 16), b"")))

    async def test():
        async with answering(tmp_path) as (made, port, context):
            reading = asyncio.create_task(asyncio.to_thread(read, port, context))
            await until(lambda: made and made[0].transport is not None)
            made[0].transport.write(bytes(8 << 20))
            made[0].transport.close()
            made[0].transport.close()
            assert await reading == 8 << 20
            await until(lambda: made[0].told[-1] == "lost")

    on(new_loop, test())


@LOOPS
@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"", b"\x16\x03\x01", None])
def test_who_shakes_no_hands_is_closed_and_no_connection_was_made(new_loop, said, tmp_path):
    async def test():
        async with answering(tmp_path, within_s=0.2) as (made, port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if said is None:
                writer.write_eof()
            else:
                writer.write(said)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
            assert [(one.transport, one.told) for one in made] == [(None, [])]

    on(new_loop, test())


@LOOPS
def test_garbage_after_the_handshake_ends_the_connection(new_loop, tmp_path):
    async def test():
        async with answering(tmp_path) as (made, port, context):
            with socket.create_connection(("127.0.0.1", port)) as plain:
                loop = asyncio.get_running_loop()
                plain.setblocking(False)
                came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
                tls = context.wrap_bio(came, goes, server_hostname="127.0.0.1")
                while True:
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        await loop.sock_sendall(plain, goes.read())
                        came.write(await loop.sock_recv(plain, 4096))
                await loop.sock_sendall(plain, goes.read() + b"this is no TLS record at all")
                await until(lambda: made and made[0].told[-1:] == ["lost"])

    on(new_loop, test())
