import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from support.waiting import until
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from rtlab.feed.connection import FeedConnection
from rtlab.feed.frames import Frames


class ScriptedSubscriber:
    """Gives the payloads that the test put into `due`, and notes what it is told."""

    def __init__(self) -> None:
        self.due: list[bytes] = []
        self.told: list[object] = []
        self.closing: tuple[int, str] | None = None
        self.state = "LIVE"

    def payloads_to_send(self, now: int) -> list[bytes]:
        due, self.due = self.due, []
        return due

    def receive(self, payload: bytes, now: int) -> None:
        self.told.append(payload)
        self.due.append(b"answer to " + payload)

    def pause(self, now: int) -> None:
        self.told.append("pause")

    def resume(self, now: int) -> None:
        self.told.append("resume")

    def statistics(self) -> object:
        return SimpleNamespace(unanswered=0)


class CountingHub:
    """The gateway's part in a connection."""

    def __init__(self) -> None:
        self.frames = Frames()
        self.here: set[FeedConnection] = set()
        self.evictions = 0

    def arrived(self, connection: FeedConnection) -> None:
        self.here.add(connection)

    def left(self, connection: FeedConnection) -> None:
        self.here.discard(connection)

    def evicted(self, connection: FeedConnection) -> None:
        self.evictions += 1


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[tuple[FeedConnection, ClientConnection, ScriptedSubscriber, CountingHub]]:
    hub, opened = CountingHub(), asyncio.get_running_loop().create_future()

    def make(*args: object, **settings: object) -> FeedConnection:
        connection = FeedConnection(*args, **settings)
        connection.hub = hub
        return connection

    async def converse(connection: ServerConnection) -> None:
        opened.set_result(connection)
        with contextlib.suppress(ConnectionClosed):
            while True:
                connection.receive(await connection.recv(decode=False))

    async with serve(
        converse,
        "127.0.0.1",
        0,
        create_connection=make,
        compression=None,
        ping_interval=None,
        close_timeout=1,
    ) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with open_websocket(url, compression=None, proxy=None, close_timeout=1) as client:
            yield await opened, client, ScriptedSubscriber(), hub


@pytest.mark.parametrize("text", [False, True])
async def test_what_is_due_is_written_as_shared_frames_of_the_right_kind(text):
    async with pair() as (connection, client, subscriber, hub):
        subscriber.due = [b"one", b"two"]
        connection.attach(subscriber, text=text)
        assert [await client.recv(), await client.recv()] == (["one", "two"] if text else [b"one", b"two"])
        subscriber.due = [b"one"]
        connection.write_due(0)
        assert (hub.frames.built, hub.frames.shared) == (2, 1)
        assert connection.bytes_sent == 3 * (3 + 2)


async def test_nothing_is_asked_for_or_written_before_the_attachment_and_after_the_close():
    async with pair() as (connection, client, subscriber, _):
        connection.write_due(0)
        connection.receive(b"early")
        assert subscriber.told == []
        connection.attach(subscriber, text=False)
        await client.close()
        await connection.wait_closed()
        subscriber.due = [b"late"]
        connection.write_due(0)
        assert connection.bytes_sent == 0


async def test_a_message_is_handed_over_and_what_that_makes_due_is_written_at_once():
    async with pair() as (connection, client, subscriber, _):
        connection.attach(subscriber, text=False)
        await client.send(b"question")
        assert await client.recv() == b"answer to question"
        assert subscriber.told == [b"question"]


async def test_the_transport_tells_the_subscriber_when_it_is_full_and_when_it_has_drained():
    async with pair() as (connection, client, subscriber, _):
        connection.attach(subscriber, text=False)
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
        connection.attach(subscriber, text=False)
        subscriber.closing = (4008, "too slow; retry in 5 s" + "é" * 100)
        connection.write_due(0)
        connection.write_due(0)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 4008
        assert closed.value.rcvd.reason.startswith("too slow; retry in 5 s")
        assert hub.evictions == 1


async def test_an_evicted_reader_whose_buffer_is_full_is_aborted_at_once():
    async with pair() as (connection, client, subscriber, hub):
        connection.attach(subscriber, text=False)
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
        connection.attach(subscriber, text=False)
        client.transport.pause_reading()
        connection.shut(1012, "restarting")
        await until(lambda: not hub.here)
        client.transport.abort()


async def test_statistics_are_there_while_it_is_served():
    async with pair() as (connection, client, subscriber, hub):
        assert connection.statistics() is None
        subscriber.due = [b"one"]
        connection.attach(subscriber, text=False)
        statistics = connection.statistics()
        assert statistics.address == f"127.0.0.1:{client.local_address[1]}"
        assert (statistics.state, statistics.bytes_sent, statistics.buffered) == ("LIVE", 5, 0)
        assert hub.here == {connection}
        await client.close()
        await until(lambda: not hub.here)
        assert connection.statistics() is None
