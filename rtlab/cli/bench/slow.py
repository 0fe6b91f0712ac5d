"""`rtlab bench slow`: a reader that takes 3 kB/s of a feed of 500 kB/s, and what it does to the others.

Phases without it and with it take turns on one server, so that what else the machine does meets both alike.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import median
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from rtlab.book import BookView, Market
from rtlab.cli.bench.children import Child, Owner
from rtlab.cli.bench.load import INSTRUMENT, Load, drive
from rtlab.client import connect
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.protocol import Applied, Codec, Increment, Reader
from rtlab.sources.flow import Commands

EVENTS_PER_S = 250_000  # in batches of 1 ms about 500 kB/s for who takes it all
STEP_S = 0.001
CHANNELS: tuple[tuple[str, int | None], ...] = (("book", 20), ("trades", 100), ("ticker", None))
FAST_READERS = 3
BYTES_PER_S = 3_000
READ_EVERY_S = 0.1
SETTLE_NS = 500_000_000  # after each change of phase, before its numbers count
GOALS = {"staleness": 1_200.0, "others": 1.10, "bytes": 65_536.0}

Floats = npt.NDArray[np.float64]


class Fast(NamedTuple):
    """What the others saw: when each increment of the book was applied (ns), and how old it then was (us)."""

    at: npt.NDArray[np.int64]
    age_us: Floats


class Served(NamedTuple):
    """What one reader cost the server: bytes per second, peaks of bytes in its send buffer and unanswered."""

    bytes_per_s: float
    buffered: int
    unanswered: int


class Slow(NamedTuple):
    """One phase of the slow reader: its port, from when to when (ns), its staleness (ms) each 100 ms, how it fared."""

    port: int
    begin: int
    end: int
    staleness_ms: Floats
    messages: int
    losses: int


def run(quick: bool) -> dict[str, object]:
    """Measure phases with and without the slow reader; give results and goals as `rtlab bench --json` prints them."""
    return measure(EVENTS_PER_S, *((5, 4.0) if quick else (16, 6.0)))


def measure(events_per_s: int, pairs: int, phase_s: float) -> dict[str, object]:
    """Measure `pairs` of phases of `phase_s` seconds at `events_per_s`; give what `report` makes of them."""
    with Child(serve, Load(events_per_s, (2 * pairs + 1) * phase_s + 2)) as server:
        url = server.receive()
        with Child(read_fast, url) as fast, Child(read_slowly, url) as slow:
            fast.receive()
            server.send("go")
            phases: list[Slow] = []
            for _ in range(pairs):
                time.sleep(phase_s)
                slow.send("join")
                time.sleep(phase_s)
                slow.send("leave")
                phases.append(slow.receive())
            time.sleep(phase_s)
            fast.send("enough")
            others: Fast = fast.receive()
            served: dict[int, Served] = server.receive()
    return report(phases, others, served)


def report(phases: Sequence[Slow], others: Fast, served: Mapping[int, Served]) -> dict[str, object]:
    """Make results and goals of what was measured; `served` is by the reader's port."""
    staleness = [float(np.percentile(phase.staleness_ms, 99)) for phase in phases]
    with_it = [_p99(others, phase.begin + SETTLE_NS, phase.end) for phase in phases]
    bounds = [int(others.at[0]), *(bound for phase in phases for bound in (phase.begin, phase.end))]
    bounds.append(int(others.at[-1]))
    without = [_p99(others, bounds[i] + SETTLE_NS, bounds[i + 1]) for i in range(0, len(bounds), 2)]
    # each phase with it beside the two around it: what else the machine does changes slower than that. Geometric,
    # because an arithmetic mean of two heavy tails is above the median of one, and would flatter
    ratios = [w / sqrt(a * b) for w, a, b in zip(with_it, without, without[1:], strict=False)]
    held = [served[phase.port].buffered for phase in phases]
    unanswered = [served[phase.port].unanswered for phase in phases]
    whole = max(reader.bytes_per_s for reader in served.values())
    case = f"{BYTES_PER_S / 1000:g} kB/s of {whole / 1000:.0f} kB/s"
    results = [
        _row("staleness of the slow reader, p99", case, "ms", staleness),
        _row("bytes in its send buffer, peak", case, "bytes", held),
        _row("bytes sent to it and unanswered, peak", case, "bytes", unanswered),
        _row("messages lost by it", case, "messages", [phase.losses for phase in phases]),
        _row("submit to applied of the others, p99", "without it", "us", without),
        _row("submit to applied of the others, p99", "with it", "us", with_it),
        _row("p99 of the others, with it / around it", case, "", ratios),
    ]
    goals = [
        _goal("staleness of the slow reader, p99", median(staleness), GOALS["staleness"], "ms"),
        _goal("p99 of the others, with it / around it", median(ratios), GOALS["others"], ""),
        _goal("bytes kept for it, peak", float(max(map(max, held, unanswered))), GOALS["bytes"], "bytes"),
    ]
    return {"results": results, "goals": goals}


def _p99(others: Fast, begin: int, end: int) -> float:
    return float(np.percentile(others.age_us[(others.at >= begin) & (others.at < end)], 99))


def _row(name: str, case: str, unit: str, values: Sequence[float]) -> dict[str, object]:
    row: dict[str, object] = {"name": name, "contender": "rtlab", "case": case, "unit": unit}
    return row | {"runs": len(values), "median": median(values), "min": min(values), "max": max(values)}


def _goal(name: str, value: float, bound: float, unit: str) -> dict[str, object]:
    return {"show": 11, "name": name, "value": value, "bound": bound, "op": "<=", "unit": unit}


async def serve(owner: Owner, load: Load) -> None:
    """Engine, market and gateway under `load`; sends what each reader cost, by its port."""
    opening, commands = load.commands()
    engine, market = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1)
    market.apply(engine.process(opening))
    served: dict[int, Served] = {}
    async with Gateway(market) as gateway:

        def step(rows: Commands) -> None:
            market.apply(engine.process(rows))
            gateway.publish()
            for reader in gateway.readers():
                port = int(reader.address.rpartition(":")[2])
                unanswered = max(
                    served[port].unanswered if port in served else 0, reader.subscriber.unanswered
                )
                served[port] = Served(reader.bytes_sent / load.seconds, reader.peak_buffered, unanswered)

        owner.send(gateway.url)
        await owner.receive()
        await drive(commands, step, STEP_S)
        owner.send(served)
        await owner.receive()


async def read_fast(owner: Owner, url: str) -> None:
    """Follow everything on several connections; sends a Fast at the owner's word."""
    at: list[int] = []
    age: list[int] = []

    def note(applied: Applied) -> None:
        if isinstance(applied.message, Increment):
            at.append(time.monotonic_ns())
            age.append(at[-1] - applied.message.ts_event)

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(FAST_READERS):
            client = await stack.enter_async_context(connect(url))
            for channel, depth in CHANNELS:
                await client.ready(client.subscribe(channel, INSTRUMENT.symbol, depth=depth))
            client.on_applied(note)
        owner.send("ready")
        await owner.receive()
        owner.send(Fast(np.array(at, np.int64), np.array(age, np.float64) / 1e3))
        await owner.receive()


async def read_slowly(owner: Owner, url: str) -> None:
    """At each "join" follow everything at `BYTES_PER_S` until "leave", then send a Slow."""
    while True:
        await owner.receive()
        leaving = asyncio.create_task(owner.receive())
        with Trickle(url) as reader:
            begin, staleness = time.monotonic_ns(), []
            while not leaving.done():
                await asyncio.sleep(READ_EVERY_S)
                if (age := reader.read(int(BYTES_PER_S * READ_EVERY_S))) is not None:
                    staleness.append(age)
            end, statistics = time.monotonic_ns(), reader.reader.statistics()
            owner.send(
                Slow(
                    reader.port,
                    begin,
                    end,
                    np.array(staleness) / 1e6,
                    statistics.messages,
                    statistics.gaps + statistics.checksum_failures,
                )
            )


class Trickle:
    """A Reader on a socket of its own that takes a few bytes at a time, and leaves the rest to the kernel."""

    def __init__(self, url: str) -> None:
        address = parse_uri(url)
        codec = Codec("msgpack")
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect((address.host, address.port))
        self.port = int(self._socket.getsockname()[1])
        self._protocol = ClientProtocol(address, subprotocols=[Subprotocol(codec.subprotocol)])
        self._protocol.send_request(self._protocol.connect())
        self.reader = Reader(codec)
        self._book, *_ = (
            self.reader.subscribe(channel, INSTRUMENT.symbol, depth=depth) for channel, depth in CHANNELS
        )
        self._flush()
        while self._protocol.state is not OPEN:  # the handshake is not part of the trickle
            self._take(self._socket.recv(1))
        self.reader.connected(time.monotonic_ns())
        self._flush()
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def read(self, count: int) -> int | None:
        """Take at most `count` bytes; give how old (ns) the book is, None before its snapshot."""
        with contextlib.suppress(BlockingIOError):
            self._take(self._socket.recv(count))
        view = self._book.view
        return time.monotonic_ns() - view.ts if isinstance(view, BookView) and view.held else None

    def _take(self, received: bytes) -> None:
        self._protocol.receive_data(received)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
                now = time.monotonic_ns()
                self.reader.receive(bytes(event.data), now)
                for payload in self.reader.payloads_to_send(now):
                    self._protocol.send_binary(payload)
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)
