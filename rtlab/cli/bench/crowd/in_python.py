"""The readers where no C compiler is: the same options and the same lines as `readers.c`, for a few hundred of them.

It knows no churn. Bytes are those of payloads. Run as `python -m rtlab.cli.bench.crowd.in_python`.
"""

import asyncio
import json
import sys
import time

import click
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from rtlab.protocol import Codec, Increment, Ping, Reader, ReaderStatistics, Status

RETRY_S = 0.2


class Tally:
    """What all readers saw; the names of what it tells are those of `Tally` in readers.h."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.told_ready = False
        self.counts = dict.fromkeys(("connects", "closes", "frames", "bytes", "pings", "lagging"), 0)
        self.readers: list[Reader] = []
        self.open: set[ClientConnection] = set()
        self._delivery: list[int] = []
        self._staleness: list[int] = []

    def apply(self, reader: Reader, payload: bytes, now: int) -> None:
        """Let `reader` take a payload in, and count what it changed."""
        before = {id(one): one.view.ts for one in reader.subscriptions if hasattr(one.view, "ts")}
        for applied in reader.receive(payload, now):
            if isinstance(applied.message, Ping):
                self.counts["pings"] += 1
            elif isinstance(applied.message, Status):
                self.counts["lagging"] += applied.message.state == "LAGGING"
            elif isinstance(applied.message, Increment):
                self._delivery.append(now - applied.message.ts_event)
                self._staleness.append(now - before.get(id(applied.subscription), now))

    def report(self) -> dict[str, object]:
        """Give what was counted, and forget the times."""
        all_of = [reader.statistics() for reader in self.readers]

        def total(name: str) -> int:
            return sum(getattr(one, name) for one in all_of)

        names = {name: name for name in ReaderStatistics._fields[:5]} | {"differ": "checksum_failures"}
        names |= {"known": "duplicates", "ignored": "ignored", "resumed": "resumed"}
        counted = {name: total(field) for name, field in names.items()}
        zeros = dict.fromkeys(("refused", "resets", "errors", "malformed", "checked", "stalls", "left"), 0)
        told = {"event": "report", "now": time.monotonic_ns(), "open": len(self.open), "last_close": 0}
        return told | {"ready": self.ready()} | zeros | self.counts | counted | self._times()

    def ready(self) -> int:
        """Count the readers that hold their books; those that only read count when they are open."""
        if not self.readers:
            return len(self.open)
        return sum(all(one.is_live for one in reader.subscriptions) for reader in self.readers)

    def _times(self) -> dict[str, float]:
        times = {"cpu_s": time.process_time()}
        for name, column in (("delivery", self._delivery), ("staleness", self._staleness)):
            for quantile, part in (("p50", 50.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0)):
                value = float(np.percentile(column, part)) / 1e3 if column else 0.0
                times[f"{name}_{quantile}_us"] = value
            column.clear()
        return times


async def follow(
    tally: Tally, url: str, books: tuple[str, ...], depth: int, token: str | None, *, again: bool
) -> None:
    """Be one reader, until the server ends it, or for ever with `again`."""
    codec = Codec()
    reader = Reader(codec)
    for book in books:
        reader.subscribe("book", book, depth=depth)
    if books:
        tally.readers.append(reader)
    while True:
        try:
            await _converse(tally, reader, codec, url, token, plain=not books)
        except (ConnectionClosed, OSError, TimeoutError):
            tally.counts["closes"] += 1
        if not again:
            return
        await asyncio.sleep(RETRY_S)


async def _converse(
    tally: Tally, reader: Reader, codec: Codec, url: str, token: str | None, *, plain: bool
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else None
    offered = None if plain else [Subprotocol(codec.subprotocol)]
    async with connect(
        url,
        subprotocols=offered,
        additional_headers=headers,
        compression=None,
        ping_interval=None,
        close_timeout=0.2,
        max_queue=None,
        proxy=None,
    ) as connection:
        tally.counts["connects"] += 1
        tally.open.add(connection)
        reader.connected(time.monotonic_ns())
        try:
            while True:
                for payload in () if plain else reader.payloads_to_send(time.monotonic_ns()):
                    await connection.send(payload)
                received = await connection.recv(decode=False)
                tally.counts["frames"] += 1
                tally.counts["bytes"] += len(received)
                if not plain:
                    tally.apply(reader, received, time.monotonic_ns())
        finally:
            tally.open.discard(connection)
            reader.disconnected(time.monotonic_ns())


async def run(
    tally: Tally,
    url: str,
    readers: int,
    books: tuple[str, ...],
    depth: int,
    pace: int,
    token: str | None,
    *,
    again: bool,
) -> None:
    """Open all readers, then answer the owner's lines until it is gone."""
    ended = asyncio.Event()

    def obey() -> None:
        words = sys.stdin.readline()
        if words.strip() == "report":
            _say(tally.report())
        elif not words or words.strip() == "quit":
            ended.set()

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), obey)
    async with asyncio.TaskGroup() as group:  # an error in one of them is no measurement: it ends all
        tasks = []
        for _ in range(readers):
            tasks.append(group.create_task(follow(tally, url, books, depth, token, again=again)))
            await asyncio.sleep(1 / pace)
        while not ended.is_set():
            if not tally.told_ready and tally.ready() == readers:
                tally.told_ready = True
                _say({"event": "ready", "seconds": time.monotonic() - tally.began})
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()


def _say(told: dict[str, object]) -> None:
    print(json.dumps(told), flush=True)


@click.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", type=int, required=True)
@click.option("--readers", type=int, default=1)
@click.option("--book", "books", multiple=True)
@click.option("--depth", type=int, default=10)
@click.option("--pace", type=int, default=5000)
@click.option("--token")
@click.option("--reconnect", is_flag=True)
@click.option("--plain", is_flag=True)
@click.option("--at-once", type=int, help="Left out: each connects by itself.")
@click.option("--leave", type=float, help="Left out, as --stall: only the C program churns.")
@click.option("--stall", type=float)
def command(
    host: str,
    port: int,
    readers: int,
    books: tuple[str, ...],
    depth: int,
    pace: int,
    token: str | None,
    **rest: object,
) -> None:
    """Open readers of the feed at HOST and PORT."""
    followed = () if rest["plain"] else books
    url = f"ws://{host}:{port}"
    asyncio.run(run(Tally(), url, readers, followed, depth, pace, token, again=bool(rest["reconnect"])))


if __name__ == "__main__":
    command()
