"""The devices of the benchmark: sockets that speak just enough WebSocket to load a relay and not their own process."""

import asyncio
import base64
import os
import secrets
import struct
import time
from collections.abc import Callable
from itertools import cycle
from typing import cast

import msgspec

from rtlab.cli.bench.children import Owner
from rtlab.cli.bench.relay.serving import DIRECTORY
from rtlab.cli.running import settle_heap
from rtlab.messaging.encryption.envelope import Device, Kind
from rtlab.messaging.identity.wallets import local_wallet
from rtlab.messaging.relay import PATH, SUBPROTOCOL
from rtlab.messaging.relay.session import HELLO

PAYLOAD = 388  # bytes of MLS for 256 bytes of padded content
ACKNOWLEDGE_EVERY = 50
WINDOW = 4000  # envelopes that are not acknowledged yet
_MAIL = b'{"op":"mail"'


class DeviceSocket(asyncio.Protocol):
    """One device's connection; `on_mail` is called with every mail's JSON."""

    def __init__(self) -> None:
        self.device = Device()
        self.public = self.device.public.hex()
        self.on_mail: Callable[[bytes], None] = lambda payload: None
        self.words: asyncio.Queue[bytes] = asyncio.Queue()
        self._rest, self._opened = b"", False
        self.got = self.done = self.acknowledged = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.transport.write(
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol: cut frames, which come unmasked and whole."""
        data = self._rest + data
        if not self._opened:
            head, found, data = data.partition(b"\r\n\r\n")
            self._opened = bool(found)
            if not found:
                self._rest = head
                return
        at = 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126 and len(data) - at >= 4:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size >= 126:
                break
            if len(data) < start + size:
                break
            self._take(data[start : start + size])
            at = start + size
        self._rest = data[at:]

    def say(self, payload: bytes) -> None:
        """Send a frame; its mask is zero, which changes no byte."""
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        self.transport.write(b"\x81" + length + bytes(4) + payload)

    def _take(self, payload: bytes) -> None:
        if payload.startswith(_MAIL):
            self.got += 1
            self.on_mail(payload)
            if self.got % ACKNOWLEDGE_EVERY == 0:
                self.say(b'{"op":"ack","n":1,"upto":%d}' % self.got)
        elif payload.startswith(b'{"op":"done","n":0'):
            self.done += 1
        elif payload.startswith(b'{"op":"done"'):
            self.acknowledged += 1
        else:
            self.words.put_nowait(payload)


async def load(owner: Owner, seed: int) -> None:
    """Connect as many devices as the owner says, then do what it says until it leaves."""
    port, many = await owner.receive()
    sockets = [await _connected(port) for _ in range(many)]
    owner.send(len(sockets))
    while True:
        what = await owner.receive()
        settle_heap()  # that collections of garbage here are not taken for the relay's delay
        if what[0] == "all at once":
            owner.send(await _at_once(sockets, what[1]))
        else:
            owner.send(await _paced(sockets, *what[1:]))


async def _connected(port: int) -> DeviceSocket:
    _, socket = await asyncio.get_running_loop().create_connection(DeviceSocket, "127.0.0.1", port)
    challenge = msgspec.json.decode(await socket.words.get())
    nonce = base64.b64decode(challenge["nonce"])
    binding = local_wallet("solana", os.urandom(32)).bind(socket.device.public, DIRECTORY, time.time())
    hello = {
        "op": "hello",
        "n": 1,
        "binding": binding.encoded(),
        "signature": socket.device.sign(HELLO + DIRECTORY.encode() + b"\n" + nonce),
        "after": 0,
    }
    socket.say(msgspec.json.encode(hello))
    ready = await socket.words.get()
    assert b'"op":"ready"' in ready, ready
    return socket


def _requests(sockets: list[DeviceSocket], many: int) -> list[tuple[DeviceSocket, bytes]]:
    pairs = list(zip(sockets[::2], sockets[1::2], strict=True))
    pairs += [(other, one) for one, other in pairs]
    payload, made = os.urandom(PAYLOAD), []
    for (one, other), _ in zip(cycle(pairs), range(many), strict=False):
        envelope = one.device.seal(Kind.MESSAGE, payload)
        made.append(
            (one, msgspec.json.encode({"op": "send", "n": 0, "to": [other.public], "envelope": envelope}))
        )
    return made


async def _at_once(sockets: list[DeviceSocket], many: int) -> float:
    """Give envelopes a second, from the first that is sent until all are acknowledged and delivered."""
    requests = _requests(sockets, many)
    got, done = (sum(getattr(socket, name) for socket in sockets) for name in ("got", "done"))
    began = time.perf_counter()
    for start in range(0, many, 500):
        for socket, request in requests[start : start + 500]:
            socket.say(request)
        await _until(lambda sent=start + 500: sent - sum(s.done for s in sockets) + done <= WINDOW)  # type: ignore[misc]
        await asyncio.sleep(0)
    await _until(lambda: sum(socket.got for socket in sockets) - got >= many)
    await _until(lambda: sum(socket.done for socket in sockets) - done >= many)
    return many / (time.perf_counter() - began)


async def _paced(sockets: list[DeviceSocket], rate: float, seconds: float) -> list[float]:
    """Give how long each envelope took (ms) at so many a second."""
    requests = _requests(sockets, int(rate * seconds))
    sent: dict[bytes, float] = {}
    times: list[float] = []

    def arrived(payload: bytes) -> None:
        times.append((time.perf_counter() - sent.pop(_ident(payload))) * 1e3)

    for socket in sockets:
        socket.on_mail = arrived
    began = time.perf_counter()
    for n, (socket, request) in enumerate(requests):
        early = began + n / rate - time.perf_counter()
        if early > 0:
            await asyncio.sleep(early)
        sent[_ident(request)] = time.perf_counter()
        socket.say(request)
    await _until(lambda: len(times) == len(requests))
    for socket in sockets:
        socket.on_mail = lambda payload: None
    return times


async def _until(condition: Callable[[], bool]) -> None:
    # an event for every frame would cost what is to be measured
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.002)


def _ident(payload: bytes) -> bytes:
    # 16 bytes at 37 of the envelope: base64 from a multiple of three before to one behind
    at = payload.index(b'"envelope":"') + 12
    return payload[at + 48 : at + 72]
