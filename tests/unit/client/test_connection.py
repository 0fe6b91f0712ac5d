import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from support.waiting import until
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from rtlab.client.connection import ReaderConnection
from rtlab.errors import ProtocolError


class Peer:
    """A plain WebSocket server for one connection, and what our end of it delivered."""

    def __init__(self) -> None:
        self.server: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()
        self.delivered: list[bytes] = []
        self.opened = 0
        self.received: list[bytes | str] = []
        self.closed: asyncio.Future[tuple[int | None, str | None]] = (
            asyncio.get_running_loop().create_future()
        )

    async def converse(self, connection: ServerConnection) -> None:
        self.server.set_result(connection)
        try:
            while True:
                self.received.append(await connection.recv())
        except ConnectionClosed:
            self.closed.set_result((connection.close_code, connection.close_reason))

    def open(self, _: ReaderConnection) -> None:
        self.opened += 1

    def payload(self, _: ReaderConnection, payload: bytes) -> None:
        self.delivered.append(payload)


@asynccontextmanager
async def pair(
    on_open: Callable[[ReaderConnection], None] | None = None,
    on_payload: Callable[[ReaderConnection, bytes], None] | None = None,
) -> AsyncIterator[tuple[Peer, ReaderConnection]]:
    peer = Peer()

    def make(*args: object, **settings: object) -> ReaderConnection:
        connection = ReaderConnection(*args, **settings)
        connection.on_open = on_open or peer.open
        connection.on_payload = on_payload or peer.payload
        return connection

    async with serve(peer.converse, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connection = await connect(url, create_connection=make, compression=None, proxy=None, close_timeout=1)
        yield peer, connection
        await connection.close()


async def test_each_message_is_delivered_in_order_and_the_open_is_told_first():
    async with pair() as (peer, _):
        server = await peer.server
        for number in range(100):
            await server.send(str(number).encode() * 100)
        await until(lambda: len(peer.delivered) == 100)
        assert peer.opened == 1
        assert peer.delivered == [str(number).encode() * 100 for number in range(100)]


async def test_a_message_in_fragments_is_delivered_whole_between_its_neighbours():
    async with pair() as (peer, _):
        server = await peer.server
        await server.send(b"before")
        await server.send([b"in ", b"three ", b"parts"])
        await server.send("text")
        await until(lambda: len(peer.delivered) == 3)
        assert peer.delivered == [b"before", b"in three parts", b"text"]


async def test_an_empty_message_is_a_message():
    async with pair() as (peer, _):
        await (await peer.server).send(b"")
        await until(lambda: peer.delivered == [b""])


async def test_pings_of_the_protocol_are_answered_and_not_delivered():
    async with pair() as (peer, _):
        await (await (await peer.server).ping(b"there?"))
        assert peer.delivered == []


async def test_what_is_written_arrives_as_binary_or_text():
    async with pair() as (peer, connection):
        connection.write([b"one", b"two"], text=False)
        connection.write([b"three"], text=True)
        await until(lambda: len(peer.received) == 3)
        assert peer.received == [b"one", b"two", "three"]


async def test_writing_to_a_closed_connection_does_nothing():
    async with pair() as (peer, connection):
        await connection.close()
        connection.write([b"late"], text=False)
        await peer.closed
        assert peer.received == []


async def test_a_protocol_error_closes_with_its_code_and_reason_and_nothing_is_delivered_after():
    seen = []

    def refuse(_: ReaderConnection, payload: bytes) -> None:
        seen.append(payload)
        raise ProtocolError("the server's payload is no message", expected="a message", got="é" * 200)

    async with pair(on_payload=refuse) as (peer, connection):
        server = await peer.server
        await asyncio.gather(server.send(b"foreign"), server.send(b"more"))
        code, reason = await asyncio.wait_for(peer.closed, 10)
        assert code == 4002
        assert "no message" in reason
        assert seen == [b"foreign"]
        assert isinstance(connection.failure, ProtocolError)


async def test_any_other_exception_closes_with_1011_and_is_kept():
    def fail(_: ReaderConnection, payload: bytes) -> None:
        raise ZeroDivisionError("mine")

    async with pair(on_payload=fail) as (peer, connection):
        await (await peer.server).send(b"x")
        code, reason = await asyncio.wait_for(peer.closed, 10)
        assert (code, reason) == (1011, "the reader failed: ZeroDivisionError")
        assert isinstance(connection.failure, ZeroDivisionError)


async def test_an_exception_at_opening_is_kept_too():
    def fail(_: ReaderConnection) -> None:
        raise ProtocolError("no subprotocol", code=4002)

    async with pair(on_open=fail) as (peer, connection):
        assert (await asyncio.wait_for(peer.closed, 10))[0] == 4002
        assert isinstance(connection.failure, ProtocolError)


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_shutting_is_harmless_in_any_state(state):
    async with pair() as (peer, connection):
        if state == "closed":
            await connection.close()
        connection.shut(1000, "bye")
        connection.shut(1000, "bye")
        await asyncio.wait_for(connection.wait_closed(), 10)
        assert (await peer.closed)[0] == 1000


async def test_a_server_that_does_not_answer_the_close_is_aborted_in_bounded_time():
    quiet, ended = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from websockets.http11 import Request
        from websockets.server import ServerProtocol

        protocol = ServerProtocol()
        while True:
            protocol.receive_data(await reader.read(4096))
            if requests := [event for event in protocol.events_received() if isinstance(event, Request)]:
                break
        protocol.send_response(protocol.accept(requests[0]))
        writer.write(b"".join(protocol.data_to_send()))
        await quiet.wait()  # and never reads again
        writer.transport.abort()
        ended.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    connection = await connect(
        f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        create_connection=ReaderConnection,
        compression=None,
        proxy=None,
        ping_interval=None,
    )
    connection.shut(1000, "bye")
    await asyncio.wait_for(connection.wait_closed(), 10)
    quiet.set()
    await ended.wait()
    server.close()


async def test_a_held_connection_delivers_nothing_and_goes_on_in_order_when_it_is_released():
    seen: list[bytes] = []

    def take(connection: ReaderConnection, payload: bytes) -> None:
        seen.append(payload)
        if payload == b"2":
            connection.hold()
            connection.hold()

    async with pair(on_payload=take) as (peer, connection):
        server = await peer.server
        for number in range(6):
            await server.send(str(number).encode())
        await until(lambda: connection.is_held)
        answer = await server.ping()  # not even this is read
        await asyncio.sleep(0.05)
        assert (seen, answer.done()) == ([b"0", b"1", b"2"], False)
        connection.release()
        connection.release()
        await until(lambda: len(seen) == 6)
        assert seen == [b"0", b"1", b"2", b"3", b"4", b"5"]
        await asyncio.wait_for(answer, 5)


async def test_a_connection_that_was_given_up_delivers_nothing_more_and_closes_at_once():
    seen: list[bytes] = []

    def take(connection: ReaderConnection, payload: bytes) -> None:
        seen.append(payload)
        connection.hold()

    async with pair(on_payload=take) as (peer, connection):
        server = await peer.server
        for number in range(6):
            await server.send(str(number).encode())
        await until(lambda: connection.is_held)
        connection.give_up()
        async with asyncio.timeout(0.9):
            await connection.close()
        assert seen == [b"0"]


async def test_when_something_came_is_known():
    async with pair() as (peer, connection):
        opened = connection.heard
        assert opened > 0
        await (await peer.server).send(b"x")
        await until(lambda: connection.heard > opened)
        heard = connection.heard
        connection.hold()
        connection.release()
        assert connection.heard > heard  # it could not have heard anything
