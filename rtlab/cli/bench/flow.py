"""`rtlab bench flow`: one order from `submit` to a client's applied book in another process, and to a pixel.

Both contenders run the same engine on the same commands on the same loop; they differ in what lies between the
engine's events and the client's book: shared state, conflated and batched (rtlab), or one JSON message for each
change, broadcast to all (the usual way with websockets).
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import msgspec
import numpy as np
from websockets.asyncio.client import connect as open_websocket
from websockets.asyncio.server import ServerConnection, broadcast, serve

from rtlab.book import Market
from rtlab.cli.bench import pixel
from rtlab.cli.bench.children import Child, Owner, Work
from rtlab.cli.bench.load import INSTRUMENT, Load, Times, drive, truth
from rtlab.cli.bench.results import result
from rtlab.client import connect
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.model import EventKind
from rtlab.protocol import Applied
from rtlab.sources.flow import Commands

RATES = (1_000, 50_000)
GOALS_US = {"p50": 1_000.0, "p99": 5_000.0}
SLACK_S = 5.0  # for the last messages of a contender that has fallen behind


def run(quick: bool) -> dict[str, object]:
    """Measure both contenders at both rates; give results and goals as `rtlab bench --json` prints them."""
    runs, seconds = (1, 3.0) if quick else (5, 8.0)
    contenders: dict[str, tuple[Work, Work]] = {
        "rtlab": (serve_rtlab, read_rtlab),
        f"websockets {version('websockets')} broadcast": (serve_broadcast, read_broadcast),
    }
    results: list[dict[str, object]] = []
    for rate in RATES:
        measured: dict[str, list[tuple[float, float]]] = {contender: [] for contender in contenders}
        for seed in range(1, runs + 1):  # they take turns, so that what else the machine does meets both
            for contender, (server, client) in contenders.items():
                measured[contender].append(measure(server, client, Load(rate, seconds, seed)))
        for contender, numbers in measured.items():
            results += _rows(contender, f"{rate:,} events/s", numbers)
    pixels, pixel_goals = pixel.measure(quick)
    return {"results": results + pixels, "goals": goals(results) + pixel_goals}


def _rows(contender: str, case: str, numbers: Sequence[tuple[float, float]]) -> list[dict[str, object]]:
    return [
        result(f"submit to applied, {name}", contender, case, "us", column)
        for name, column in zip(("p50", "p99"), zip(*numbers, strict=True), strict=True)
    ]


def goals(results: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Take the numbers that Shows bounds from the rows of rtlab at the highest rate."""
    case = f"{RATES[-1]:,} events/s"
    rows = {
        str(row["name"])[-3:]: row for row in results if (row["contender"], row["case"]) == ("rtlab", case)
    }
    return [
        {"show": 7, "name": f"{rows[name]['name']} at {case}", "value": rows[name]["median"]}
        | {"bound": bound, "op": "<=", "unit": "us"}
        for name, bound in GOALS_US.items()
    ]


def measure(server: Work, client: Work, load: Load) -> tuple[float, float]:
    """Run one contender under `load` in two processes; give p50 and p99 (us) from submission to applied."""
    expected = truth(load)
    with Child(server, load) as serving:
        url = serving.receive()
        with Child(client, url, int(expected.seqs[-1]), load.seconds + SLACK_S) as reading:
            reading.receive()
            serving.send("go")
            submitted: Times = serving.receive(4 * load.seconds + 60)
            seqs, applied = reading.receive(2 * SLACK_S + 60)
    return percentiles(expected.commands, expected.seqs, submitted, seqs, applied)


def percentiles(
    commands: Times, seqs: Times, submitted: Times, seen_seqs: Times, seen_at: Times
) -> tuple[float, float]:
    """Give p50 and p99 (us) from submission to the first applied message that holds a command's last change.

    What was never seen counts as seen at the last message, so that who loses does not win.
    """
    first = np.minimum(np.searchsorted(seen_seqs, seqs), len(seen_at) - 1)
    took = (seen_at[first] - submitted[commands]) / 1e3
    return float(np.percentile(took, 50)), float(np.percentile(took, 99))


async def serve_rtlab(owner: Owner, load: Load) -> None:
    """Engine, market and gateway; submits the load at the owner's word and sends the times of submission."""
    opening, commands = load.commands()
    engine, market = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1)
    market.apply(engine.process(opening))
    async with Gateway(market) as gateway:

        def step(rows: Commands) -> None:
            market.apply(engine.process(rows))
            gateway.publish()

        owner.send(gateway.url)
        await owner.receive()
        owner.send(await drive(commands, step))
        await owner.receive()


async def read_rtlab(owner: Owner, url: str, last_seq: int, deadline_s: float) -> None:
    """Follow the whole book until `last_seq`; sends (seqs, ns when each was applied)."""
    seqs: list[int] = []
    at: list[int] = []
    finished = asyncio.Event()

    def note(applied: Applied) -> None:
        if applied.subscription is not None:
            seqs.append(applied.subscription.view.seq)
            at.append(time.monotonic_ns())
            if seqs[-1] >= last_seq:
                finished.set()

    async with connect(url) as client:
        client.on_applied(note)
        await client.ready(client.subscribe("book", INSTRUMENT.symbol))
        await _report(owner, finished, deadline_s, seqs, at)


async def serve_broadcast(owner: Owner, load: Load) -> None:
    """The same engine; each change of a level is broadcast as a JSON message of its own."""
    opening, commands = load.commands()
    engine, encode = Engine([INSTRUMENT]), msgspec.json.encode
    seq = int(np.count_nonzero(engine.process(opening)["kind"] == EventKind.LEVEL))
    connections: set[ServerConnection] = set()

    async def converse(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()
        connections.discard(connection)

    def step(rows: Commands) -> None:
        nonlocal seq
        events = engine.process(rows)
        changes = events[events["kind"] == EventKind.LEVEL]
        columns = (changes[name].tolist() for name in ("side", "price", "qty", "ts"))
        for side, price, qty, ts in zip(*columns, strict=True):
            seq += 1
            change = {"type": "level", "seq": seq, "side": side, "price": price, "qty": qty, "ts": ts}
            broadcast(connections, encode(change), text=True)

    async with serve(converse, "127.0.0.1", 0, compression=None) as server:
        owner.send(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await owner.receive()
        owner.send(await drive(commands, step))
        await owner.receive()


async def read_broadcast(owner: Owner, url: str, last_seq: int, deadline_s: float) -> None:
    """Fold each message into a book of two dicts until `last_seq`; sends (seqs, ns when each was applied)."""
    seqs: list[int] = []
    at: list[int] = []
    finished = asyncio.Event()
    book: tuple[dict[int, int], dict[int, int]] = ({}, {})

    async def read() -> None:
        async with open_websocket(url, compression=None, proxy=None, max_queue=None) as connection:
            async for payload in connection:
                change = msgspec.json.decode(payload)
                side = book[change["side"]]
                if change["qty"]:
                    side[change["price"]] = change["qty"]
                else:
                    side.pop(change["price"], None)
                seqs.append(change["seq"])
                at.append(time.monotonic_ns())
                if seqs[-1] >= last_seq:
                    finished.set()

    reading = asyncio.create_task(read())
    await _report(owner, finished, deadline_s, seqs, at)
    reading.cancel()


async def _report(
    owner: Owner, finished: asyncio.Event, deadline_s: float, seqs: list[int], at: list[int]
) -> None:
    owner.send("ready")
    with contextlib.suppress(TimeoutError):  # who is behind by then is judged by what it has
        await asyncio.wait_for(finished.wait(), deadline_s)
    owner.send((np.array(seqs, np.int64), np.array(at, np.int64)))
    await owner.receive()
