"""Files beside messages: encrypted here, kept by the relay chunk by chunk, found and opened by what a message says."""

import asyncio
import secrets
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from rtlab.errors import RtlabError, UnreadableError
from rtlab.messaging.connection import RelayLink, RelayRefused
from rtlab.messaging.encryption.files import (
    CHUNK,
    KEY,
    LARGEST,
    count_of,
    open_chunk,
    sealed_chunks,
    sealed_size,
)
from rtlab.messaging.relay.messages import Attach, Done, Fetch, Put

UNDER_WAY = 8  # chunks
_AGAIN_S = 0.2
Told = Callable[[int, int], None]
"""Is told how many chunks of how many are done."""


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says of its file. `secret` is its key in base64, `blob` the name at the relay, `size` in bytes."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    type: Annotated[str, Meta(max_length=99)]
    size: Annotated[int, Meta(ge=0, le=LARGEST)]
    blob: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    secret: Annotated[str, Meta(pattern="^[A-Za-z0-9+/]{43}=$")]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of a message of kind "file"; UnreadableError when it is of another form."""
        try:
            return msgspec.convert(dict(content), cls)
        except msgspec.ValidationError as problem:
            raise UnreadableError(f"a message says otherwise what its file is: {problem}") from None


class Upload:
    """A file on its way; `send` may be called again, on another connection, and goes on where it was.

    MessagingError when the file is larger than 25 MiB.
    """

    def __init__(self, name: str, content: bytes, type: str = "application/octet-stream") -> None:
        key = secrets.token_bytes(KEY)
        self.attached = Attached(
            name=name,
            type=type,
            size=len(content),
            blob=secrets.token_hex(16),
            secret=b64encode(key).decode(),
        )
        self._chunks = list(sealed_chunks(key, content))

    async def send(self, link: RelayLink, told: Told | None = None) -> Attached:
        """Hand to the relay what it has not; RefusedError as it refuses, UnreachableError when it goes."""
        blob = self.attached.blob
        begun = await _asked(link, Attach, blob=blob, size=sealed_size(self.attached.size))
        rest = range(begun.stored or 0, len(self._chunks))

        async def put(index: int) -> None:
            await _asked(link, Put, blob=blob, index=index, data=self._chunks[index])

        await _few_at_once(rest, put, len(self._chunks), told)
        return self.attached


async def download(link: RelayLink, attached: Attached, told: Told | None = None) -> bytes:
    """Fetch and open a file; UnreadableError unless every chunk is genuine, RefusedError when it is gone."""
    key, count = b64decode(attached.secret), count_of(attached.size)
    content = bytearray(attached.size)

    async def fetch(index: int) -> None:
        sealed = (await _asked(link, Fetch, blob=attached.blob, index=index)).data or b""
        content[index * CHUNK : (index + 1) * CHUNK] = open_chunk(key, attached.size, index, sealed)

    await _few_at_once(range(count), fetch, count, told)
    return bytes(content)


async def _few_at_once(
    indices: range, work: Callable[[int], Awaitable[None]], count: int, told: Told | None
) -> None:
    waiting, done = iter(indices), count - len(indices)

    async def worker() -> None:
        nonlocal done
        for index in waiting:
            await work(index)
            done += 1
            if told is not None:
                told(done, count)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(UNDER_WAY, len(indices))):
                group.create_task(worker())
    except* RtlabError as problems:
        raise problems.exceptions[0] from None


async def _asked(link: RelayLink, kind: type[Attach | Put | Fetch], **fields: Any) -> Done:
    while True:
        try:
            return await link.ask(kind, **fields)
        except RelayRefused as refused:
            if refused.word not in ("rate", "busy"):
                raise
            await asyncio.sleep(refused.retry_after_s or _AGAIN_S)
