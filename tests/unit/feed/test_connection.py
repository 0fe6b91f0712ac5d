import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import pytest
from support.waiting import until
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from rtlab.errors import ProtocolError
from rtlab.feed.admission import Admission, Visit
from rtlab.feed.connection import Connection
from rtlab.feed.frames import Frames
from rtlab.feed.http import Page
from rtlab.feed.policy import Policy
from rtlab.feed.sessions import Service
from rtlab.protocol import Limits

BINARY = 2


class ScriptedSubscriber:
    """Gives the payloads that the test put into `due`, and notes what it is told."""

    def __init__(self) -> None:
        self.due: list[bytes] = []
        self.told: list[object] = []
        self.closing: tuple[int, str] | None = None
        self.rests_until = 0
        self.foreign: bytes | None = None

    def payloads_to_send(self, now: int) -> list[bytes]:
        due, self.due = self.due, []
        return due

    def receive(self, payload: bytes, now: int) -> None:
        self.told.append(payload)
        if payload == self.foreign:
            raise ProtocolError("not a message")
        self.due.append(b"answer to " + payload)

    def count(self, now: int) -> None:
        self.told.append("counted")

    def pause(self, now: int) -> None:
        self.told.append("pause")

    def resume(self, now: int) -> None:
        self.told.append("resume")


class CountingHub:
    """The gateway's part in a connection."""

    def __init__(self, subscriber: ScriptedSubscriber) -> None:
        self.frames, self.admission = Frames(), Admission(Policy(connections=3))
        self.limits, self.compression = Limits(), False
        self.routes = {"/health": lambda: Page(b"well")}
        self.services = {path: Service({name: text}, self.open) for path, (name, text) in PATHS.items()}
        self.subscriber = subscriber
        self.here: set[Connection] = set()
        self.counts: Counter[str] = Counter()

    def open(self, subprotocol: str, visit: Visit, now: int) -> ScriptedSubscriber:
        return self.subscriber

    def arrived(self, connection: Connection) -> None:
        self.here.add(connection)

    def left(self, connection: Connection) -> None:
        self.here.discard(connection)

    def grew(self, size: int, now: int) -> None:
        self.counts["grew"] += size

    def __getattr__(self, name: str) -> Callable[[Connection], None]:
        def count(connection: Connection) -> None:
            self.counts[name] += 1

        return count


PATHS = {"/": ("bytes", False), "/text": ("letters", True)}


@contextlib.asynccontextmanager
async def serving(subscriber: ScriptedSubscriber | None = None) -> AsyncIterator[tuple[CountingHub, int]]:
    hub = CountingHub(subscriber or ScriptedSubscriber())
    server = await asyncio.get_running_loop().create_server(lambda: Connection(hub), "127.0.0.1", 0)
    try:
        yield hub, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in tuple(hub.here):
            connection.transport.abort()
        await until(lambda: not hub.here)


@contextlib.asynccontextmanager
async def pair(
    *due: bytes, text: bool = False, **options: object
) -> AsyncIterator[tuple[Connection, ClientConnection, ScriptedSubscriber, CountingHub]]:
    subscriber = ScriptedSubscriber()
    subscriber.due = list(due)
    path = "/text" if text else "/"
    options = {
        "compression": None,
        "proxy": None,
        "close_timeout": 1,
        "subprotocols": [PATHS[path][0]],
        **options,
    }
    async with (
        serving(subscriber) as (hub, port),
        open_websocket(f"ws://127.0.0.1:{port}{path}", **options) as client,
    ):
        (connection,) = hub.here
        yield connection, client, subscriber, hub


class Raw(NamedTuple):
    """A peer that says bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, more: bytes = b"", **headers: str) -> bytes:
        """Ask for a handshake; give the head of the answer."""
        lines = {
            "Host": "127.0.0.1",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "bytes",
        } | headers
        request = "GET / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.writer.write(request.encode() + b"\r\n" + more)
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)

    async def rest(self) -> bytes:
        """Read to the end."""
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.wait_for(self.reader.read(), 10)
        return b""


@contextlib.asynccontextmanager
async def raw(subscriber: ScriptedSubscriber | None = None) -> AsyncIterator[tuple[CountingHub, Raw]]:
    async with serving(subscriber) as (hub, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield hub, Raw(reader, writer)
        finally:
            writer.close()


def masked(payload: bytes, *, opcode: int = BINARY, fin: bool = True) -> bytes:
    """Give a client's frame."""
    return Frame(Opcode(opcode), payload, fin).serialize(mask=True)


@pytest.mark.parametrize("text", [False, True])
async def test_what_is_due_is_written_as_shared_frames_of_the_right_kind(text):
    async with pair(b"one", b"two", text=text) as (connection, client, subscriber, hub):
        assert [await client.recv(), await client.recv()] == (["one", "two"] if text else [b"one", b"two"])
        subscriber.due = [b"one"]
        connection.write_due(0)
        assert (hub.frames.built, hub.frames.shared) == (2, 1)
        assert await client.recv() == ("one" if text else b"one")
        assert hub.counts["opened"] == 1


async def test_nothing_is_asked_for_or_written_after_the_close():
    async with pair() as (connection, client, subscriber, hub):
        await client.close()
        await until(lambda: not hub.here)
        subscriber.due = [b"late"]
        sent = connection.bytes_sent
        connection.write_due(0)
        assert connection.bytes_sent == sent
        assert hub.counts["silenced"] == 1


async def test_a_message_is_handed_over_and_what_that_makes_due_is_written_at_once():
    async with pair() as (connection, client, subscriber, _):
        await client.send(b"question")
        assert await client.recv() == b"answer to question"
        assert subscriber.told == [b"question"]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
async def test_messages_of_every_size_arrive_whole_in_one_piece_or_in_many(size):
    question = bytes(range(256)) * (size // 256) + bytes(size % 256)
    async with pair() as (connection, client, subscriber, _):
        await client.send(question)
        await client.send([question[:100], question[100:], b""])
        await client.send(question)
        await until(lambda: len(subscriber.told) == 3 + subscriber.told.count("counted"))
        assert [told for told in subscriber.told if told != "counted"] == [question] * 3
        assert subscriber.told.count("counted") == 3  # all fragments but the last, which is empty


async def test_frames_glued_and_split_at_every_byte_arrive_as_they_went_in():
    questions = [b"one", b"x" * 200, b"", b"four"]
    stream = b"".join(masked(question) for question in questions)
    for cut in range(len(stream)):
        subscriber = ScriptedSubscriber()
        async with raw(subscriber) as (_, peer):
            await peer.ask(stream[:cut])
            await asyncio.sleep(0)
            peer.writer.write(stream[cut:])
            await until(lambda: len(subscriber.told) == len(questions))  # noqa: B023
            assert subscriber.told == questions


async def test_a_message_that_is_too_long_in_one_piece_or_in_many_is_refused():
    for message in (bytes(Limits().message_bytes + 1), [bytes(Limits().message_bytes), b"1"]):
        async with pair() as (connection, client, subscriber, _):
            with contextlib.suppress(ConnectionClosed):
                await client.send(message)
            await client.wait_closed()
            assert client.close_code == 1009
            assert [told for told in subscriber.told if told != "counted"] == []


async def test_a_peers_own_ping_is_answered_and_counted():
    async with pair() as (connection, client, subscriber, _):
        await (await client.ping(b"are you there"))
        assert subscriber.told == ["counted"]


async def test_pongs_are_not_heaped_up_for_a_peer_that_does_not_read():
    async with pair() as (connection, client, subscriber, hub):
        client.transport.pause_reading()
        for _ in range(200):
            subscriber.due = [bytes(65536)]
            connection.write_due(0)
        buffered = connection.held()
        assert hub.counts["grew"] == buffered > 0
        for _ in range(50):
            client.protocol.send_ping(bytes(100))
            client.transport.write(b"".join(client.protocol.data_to_send()))
        await until(lambda: subscriber.told.count("counted") == 50)
        assert hub.counts["skipped"] > 0
        assert connection.held() <= buffered
        client.transport.abort()


async def test_the_transport_tells_the_subscriber_when_it_is_full_and_when_it_has_drained():
    async with pair() as (connection, client, subscriber, _):
        client.transport.pause_reading()
        for _ in range(200):
            subscriber.due = [bytes(65536)]
            connection.write_due(0)
        assert subscriber.told[:1] == ["pause"]
        assert connection.peak_buffered > 0
        client.transport.resume_reading()
        subscriber.due = [b"after"]
        for _ in range(200):
            await client.recv()
        await until(lambda: subscriber.told[-1] == "resume")
        assert await client.recv() == b"after"


async def test_an_evicted_reader_gets_the_code_and_the_reason_and_is_counted_once():
    async with pair() as (connection, client, subscriber, hub):
        subscriber.closing = (4008, "too slow; retry in 5 s" + "é" * 100)
        connection.write_due(0)
        connection.write_due(0)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 4008
        assert closed.value.rcvd.reason.startswith("too slow; retry in 5 s")
        assert hub.counts["evicted"] == 1


async def test_a_close_frame_goes_out_behind_what_was_written_just_before():
    async with pair() as (connection, client, subscriber, _):
        subscriber.due = [b"last words"]
        connection.write_due(0)
        connection.shut(4002, "no more")
        assert await client.recv() == b"last words"
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (4002, "no more")


async def test_a_foreign_message_closes_with_its_code_and_what_follows_it_is_not_read():
    async with pair() as (connection, client, subscriber, hub):
        subscriber.foreign = b"bad"
        client.transport.write(masked(b"bad") + masked(b"good"))
        await client.wait_closed()
        assert client.close_code == 4002
        assert (subscriber.told, hub.counts["foreign"]) == ([b"bad"], 1)


async def test_an_evicted_reader_whose_buffer_is_full_is_aborted_at_once():
    async with pair() as (connection, client, subscriber, hub):
        client.transport.pause_reading()
        for _ in range(200):
            subscriber.due = [bytes(65536)]
            connection.write_due(0)
        subscriber.closing = (4008, "too slow")
        connection.write_due(0)
        assert connection.transport.is_closing()
        await until(lambda: not hub.here)
        client.transport.abort()


async def test_a_peer_that_does_not_answer_the_close_is_aborted_after_the_grace():
    async with pair() as (connection, client, subscriber, hub):
        client.transport.pause_reading()
        connection.shut(1012, "restarting")
        await until(lambda: not hub.here)
        client.transport.abort()


async def test_who_is_shut_before_the_handshake_is_aborted():
    async with raw() as (hub, peer):
        await until(lambda: len(hub.here) == 1)
        next(iter(hub.here)).shut(1012, "restarting")
        assert await peer.rest() == b""
        assert hub.counts["opened"] == 0


async def test_the_answer_of_a_handshake_names_the_subprotocol_and_lets_go_of_the_request():
    async with raw() as (hub, peer):
        head = await peer.ask()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Protocol: bytes\r\n" in head
        (connection,) = hub.here
        assert connection._protocol is None


async def test_a_page_and_an_unknown_path_are_answered_and_end():
    for path, status in ((b"/health", b"200"), (b"/none", b"404")):
        async with raw() as (hub, peer):
            peer.writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = await peer.rest()
            assert answer.startswith(b"HTTP/1.1 " + status)
            assert answer.endswith(b"well") == (status == b"200")
            assert hub.counts["refused"] == (status == b"404")
            peer.writer.close()
            await until(lambda: not hub.here)


async def test_a_crowd_is_refused_with_a_hint_though_it_asked_already():
    async with serving() as (hub, port), contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(raw_to(port))
        async with raw_to(port) as peer:
            head = await peer.ask()
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: " in head
            assert hub.counts["refused"] == 1
        await until(lambda: len(hub.here) == 3)


@contextlib.asynccontextmanager
async def raw_to(port: int) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "said",
    [b"", b"\x00" * 50, b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n\r\n" + b"\x88\x80" * 20, b"\r\n" * 9],
)
async def test_what_is_no_handshake_ends_by_itself(said):
    async with raw() as (hub, peer):
        peer.writer.write(said)
        peer.writer.write_eof()
        await peer.rest()
        await until(lambda: not hub.here)
        assert hub.counts["opened"] == 0


async def test_a_close_that_comes_with_the_request_opens_nothing():
    async with raw() as (hub, peer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            await peer.ask(masked(b"", opcode=8))
        await peer.rest()
        await until(lambda: not hub.here)


async def test_its_peer_has_an_address():
    async with pair() as (connection, client, subscriber, hub):
        assert connection.address() == f"127.0.0.1:{client.local_address[1]}"
