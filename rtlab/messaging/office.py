"""A relay of one's own on this machine, with its page: for notebooks, dashboards and trying things."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from decimal import Decimal
from types import TracebackType
from typing import Any, NamedTuple, Self

from redis.asyncio import Redis

from rtlab.book import Market
from rtlab.embedded import EmbeddedServer
from rtlab.feed import Gateway
from rtlab.feed.admission import Admission
from rtlab.feed.policy import Policy
from rtlab.messaging.pages import PAGE, pages
from rtlab.messaging.relay import PATH, Relay, RelayStatistics
from rtlab.model import Instrument

FAMILIES = ("ethereum", "solana", "near")
PREFIX = "rtlab:msg"


class Kept(NamedTuple):
    """What the relay keeps of one envelope: for which device, its place, its size, and how it begins and ends."""

    device: str
    cursor: int
    size: int
    begins: str
    ends: str


class PostOffice:
    """A relay, its Redis and its page, on a thread of its own; `with PostOffice() as office`, or `start` and `close`.

    `origins` are those of pages that may come beside those of this machine.
    """

    def __init__(self, *, directory: str = "localhost", origins: tuple[str, ...] = ("local",)) -> None:
        self.directory = directory
        self._origins = origins
        self._loop = asyncio.new_event_loop()
        self._server = EmbeddedServer()
        self._stack = AsyncExitStack()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"PostOffice({self.page!r})" if self._thread else "PostOffice(closed)"

    def start(self) -> Self:
        """Begin to serve; MessagingError when the widget is not built, StoreError when there is no Redis."""
        self._server.start()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rtlab-messages", daemon=True)
        self._thread.start()
        self.wait(self._open())
        return self

    def close(self) -> None:
        """End. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join(10)
        self._loop.close()
        self._server.close()

    @property
    def url(self) -> str:
        """Where devices connect to."""
        return self._gateway.url + PATH

    @property
    def page(self) -> str:
        """A page that is nothing but the messages."""
        return self._gateway.url.replace("ws://", "http://", 1) + PAGE

    def options(self, **more: Any) -> dict[str, Any]:
        """Give what `mount`, the widget and the pane take, to be at this relay."""
        return {"url": self.url, "directory": self.directory, "testWallets": list(FAMILIES), **more}

    def statistics(self) -> RelayStatistics:
        """Count, as the relay does."""
        return self._relay.statistics()

    def kept(self) -> list[Kept]:
        """Give all that the relay keeps of what waits to be fetched: this is what whoever runs it could read."""
        found: list[Kept] = self.wait(self._kept())
        return found

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the office's loop, and wait for it."""
        running: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return running.result(30)

    async def _open(self) -> None:
        self._relay = Relay(self._server.url, self.directory, prefix=PREFIX)
        market = Market([Instrument("BTC-USD", Decimal("0.01"), Decimal("0.0001"))], 1)
        door = Admission(Policy(origins=self._origins))
        self._gateway = Gateway(market, admission=door, services={PATH: self._relay.service(door)})
        await self._stack.enter_async_context(self._relay)
        await self._stack.enter_async_context(self._gateway)
        self._gateway.routes.update(pages(self.directory, test_wallets=FAMILIES))

    async def _kept(self) -> list[Kept]:
        redis = Redis.from_url(self._server.url, protocol=2)
        found = []
        try:
            async for name in redis.scan_iter(f"{PREFIX}:box:*"):
                rows: Any = await redis.xrange(name)
                for ident, fields in rows:
                    envelope = fields[b"e"]
                    device, cursor = name.decode().rpartition(":")[2], int(ident.partition(b"-")[0])
                    found.append(
                        Kept(device, cursor, len(envelope), envelope[57:73].hex(), envelope[-8:].hex())
                    )
        finally:
            await redis.aclose()
        return sorted(found)
