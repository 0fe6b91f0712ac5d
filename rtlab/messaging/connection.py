"""A device's connection to a relay, for bots: says who it is, asks and is answered by number, takes mail in."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from rtlab.errors import IdentityError, ProtocolError, RefusedError, UnreachableError
from rtlab.messaging.encryption.envelope import Device
from rtlab.messaging.identity import Binding
from rtlab.messaging.relay.messages import (
    Acknowledge,
    Challenge,
    Done,
    Fleeting,
    Hello,
    Mail,
    Ready,
    Refused,
    Request,
    encode,
)
from rtlab.messaging.relay.relay import SUBPROTOCOL
from rtlab.messaging.relay.session import HELLO

LARGEST = 1 << 20
UNREAD = 1000
"""Mail that waits here; more stays in the relay's mailbox, for nothing is read from the socket meanwhile."""

_decode = msgspec.json.Decoder(Challenge | Ready | Done | Refused | Mail | Fleeting).decode


class RelayLink:
    """An open connection; see `link`. `ready` is what the relay said of this device."""

    def __init__(self, socket: ClientConnection, ready: Ready) -> None:
        self.ready = ready
        self._socket = socket
        self._numbers = itertools.count(2)
        self._asked: dict[int, asyncio.Future[Done]] = {}
        self._mail: asyncio.Queue[Mail | Fleeting] = asyncio.Queue(UNREAD)
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    async def ask(self, kind: type[Request], **fields: Any) -> Done:
        """Ask for something; RefusedError when it is refused, UnreachableError when the connection ends before."""
        if self._ended.done():
            raise UnreachableError("the relay has gone")
        n = next(self._numbers)
        answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._asked[n] = answer
        try:
            await self._socket.send(encode(kind(n=n, **fields)), text=True)
            return await answer
        except ConnectionClosed as problem:
            raise UnreachableError(f"the relay has gone: {problem}") from None
        finally:
            self._asked.pop(n, None)

    async def acknowledge(self, upto: int) -> None:
        """Tell the relay that everything up to a cursor is safe here."""
        await self.ask(Acknowledge, upto=upto)

    async def mail(self) -> Mail | Fleeting:
        """Wait for the next envelope; UnreachableError when the connection has ended and all was taken."""
        if self._mail.empty():
            getting = asyncio.create_task(self._mail.get())
            waits: list[asyncio.Future[Any]] = [getting, self._ended]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            getting.cancel()
            raise UnreachableError("the relay has ended the connection")
        return self._mail.get_nowait()

    async def close(self) -> None:
        """End the connection. Idempotent."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._socket.close()

    async def _read(self) -> None:
        try:
            async for payload in self._socket:
                message = _decode(payload)
                match message:
                    case Mail() | Fleeting():
                        await self._mail.put(message)
                    case Done() | Refused():
                        self._answer(message)
        except ConnectionClosed:
            pass
        finally:
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(UnreachableError("the relay has gone before it answered"))
            self._ended.set_result(None)

    def _answer(self, message: Done | Refused) -> None:
        answer = self._asked.get(message.n)
        if answer is None or answer.done():  # who asked does not wait any more
            return
        if isinstance(message, Done):
            answer.set_result(message)
        else:
            answer.set_exception(_refusal(message))


@asynccontextmanager
async def link(
    url: str, device: Device, binding: Binding, directory: str, *, after: int = 0, token: str | None = None
) -> AsyncIterator[RelayLink]:
    """Connect a device to the relay at `url`; `after` is the last cursor that it has.

    UnreachableError when nobody answers there, RefusedError when the relay does not let the device in,
    IdentityError when the relay has another name than `directory`.
    """
    try:
        socket = await connect(
            url, subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=LARGEST, compression=None
        )
    except (OSError, InvalidHandshake) as problem:
        raise UnreachableError(f"no relay answers at {url}: {problem}") from None
    opened: RelayLink | None = None
    try:
        opened = RelayLink(socket, await _greet(socket, device, binding, directory, after, token))
        yield opened
    finally:
        if opened is not None:
            await opened.close()
        await socket.close()


async def _greet(
    socket: ClientConnection, device: Device, binding: Binding, directory: str, after: int, token: str | None
) -> Ready:
    try:
        challenge = _decode(await socket.recv())
        if not isinstance(challenge, Challenge):
            raise ProtocolError("the relay does not begin with a challenge")
        if challenge.directory != directory:
            raise IdentityError("the relay has another name", expected=directory, got=challenge.directory)
        signature = device.sign(HELLO + directory.encode() + b"\n" + challenge.nonce)
        hello = Hello(n=1, binding=binding.encoded(), signature=signature, after=after, token=token)
        await socket.send(encode(hello), text=True)
        answer = _decode(await socket.recv())
    except ConnectionClosed as problem:
        raise UnreachableError(f"the relay ends the connection: {problem}") from None
    if isinstance(answer, Refused):
        raise _refusal(answer)
    if not isinstance(answer, Ready):
        raise ProtocolError("the relay answers a hello otherwise")
    return answer


def _refusal(refused: Refused) -> RefusedError:
    return RelayRefused(refused.why, refused.code, refused.retry_after)


class RelayRefused(RefusedError):
    """The relay refused a request; `word` is the code that it gave."""

    def __init__(self, what: str, word: str, retry_after_s: float | None) -> None:
        super().__init__(f"{what} ({word})", code=0, retry_after_s=retry_after_s)
        self.word = word
