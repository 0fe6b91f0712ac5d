"""The same graph over history: what it would have said live, from the trades that a store keeps.

A graph remembers, so an instrument's files are folded one after the other; instruments are folded side by side, one
Dask task each. After every file a task writes what came of it, then a checkpoint: it may be killed at any moment,
and goes on from there, on any worker that sees the folders.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from rtlab.errors import ConfigError, LocalError, StoreError
from rtlab.pipelines.checkpoint import Checkpoint, load, save
from rtlab.pipelines.cluster.results import pack_results, table_of, unpack_results
from rtlab.pipelines.frame import Frame, Integers, trade_frame
from rtlab.pipelines.graph import Graph

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client

    from rtlab.store import Store
    from rtlab.store.moments import Moment

COLUMNS = ("epoch", "seq", "ts", "price", "qty", "side")


class Part(NamedTuple):
    """What a backfill has done of an instrument."""

    symbol: str
    rows: int
    files: int


class _Done(msgspec.Struct, array_like=True):
    epoch: int
    seq: int
    ts: int
    rows: int
    state: bytes


def backfill(
    graph: Graph,
    where: str | Path,
    out: str | Path,
    *,
    client: "Client | None" = None,
    instruments: Sequence[str] | None = None,
    start: "Moment | None" = None,
    end: "Moment | None" = None,
) -> list[Part]:
    """Fold the trades of the store at `where` by `graph`; give what was done in all, by instrument.

    What comes is below `out` (see `read_backfill`). With `client`, on its workers, which must see both folders. To be
    called again after anything: what is done is not done again. LocalError for a graph that does not begin with
    trades; StoreError for a store that has none.
    """
    from rtlab.store import Store  # late: it costs pandas
    from rtlab.store.moments import ns_of

    if graph.channel != "trades":
        raise LocalError("history has no such frames", expected="a graph of trades", got=graph.channel)
    span = (None if start is None else ns_of(start), None if end is None else ns_of(end))
    with Store(where) as store:
        symbols = sorted(store.instruments()) if instruments is None else list(instruments)
    tasks = [(graph, str(where), str(out), symbol, *span) for symbol in symbols]
    if client is None:
        return [fold_instrument(*task) for task in tasks]
    futures = [client.submit(fold_instrument, *task, pure=False, retries=1000) for task in tasks]
    found: list[Part] = client.gather(futures)  # type: ignore[no-untyped-call]
    return found


def fold_instrument(
    graph: Graph, where: str, out: str, symbol: str, start: int | None, end: int | None
) -> Part:
    """Fold one instrument's files from where the last run had come to."""
    from rtlab.store import Store

    place = Path(out) / symbol
    place.mkdir(parents=True, exist_ok=True)
    found = load(place / "checkpoint")
    done = msgspec.msgpack.decode(found.state, type=_Done) if found else _Done(-1, -1, 0, 0, b"")
    number = found.written if found else 0
    with Store(where) as store:
        instrument = store.manifest(symbol).instrument
        with graph.begin(instrument, done.state or None) as running:
            begin = done.ts if found else start
            for table in _batches(store, symbol, begin, end, (done.epoch, done.seq)):
                seq, rows = _rows(table)
                came = running.push(trade_frame(instrument, seq, rows))
                if running.errors:
                    raise LocalError(f"the graph failed on {symbol}", got=running.failures[-1].error)
                (place / f"{number:06d}.results").write_bytes(pack_results(came))
                number += 1
                last = {name: int(table.column(name)[-1].as_py()) for name in ("epoch", "seq", "ts")}
                done = _Done(**last, rows=done.rows + len(rows), state=running.state())
                save(place / "checkpoint", Checkpoint(done.seq, number, msgspec.msgpack.encode(done)))
    return Part(symbol, done.rows, number)


def _batches(
    store: "Store", symbol: str, start: int | None, end: int | None, after: tuple[int, int]
) -> "Iterator[pa.Table]":
    import pyarrow as pa

    for table in store.batches("trades", symbol, start, end, columns=COLUMNS):
        epoch, seq = table.column("epoch").to_numpy(), table.column("seq").to_numpy()
        fresh = (epoch > after[0]) | ((epoch == after[0]) & (seq > after[1]))
        if fresh.any():
            yield table if fresh.all() else table.filter(pa.array(fresh))


def _rows(table: "pa.Table") -> tuple[Integers, Integers]:
    columns: list[Any] = [
        table.column(name).to_numpy().astype(np.int64) for name in ("ts", "price", "qty", "side")
    ]
    return table.column("seq").to_numpy().astype(np.int64), np.stack(columns, axis=1)


def read_backfill(out: str | Path, graph: Graph, where: str | Path, symbol: str, output: str) -> Frame | None:
    """Give all rows of an output as one frame, of bars the last version of each; None: no row.

    ConfigError for an output that the graph has not; StoreError where nothing was done.
    """
    from rtlab.store import Store

    place = Path(out) / symbol
    found = load(place / "checkpoint")
    if found is None:
        raise StoreError(f"nothing of {symbol} was backfilled", expected=str(place / "checkpoint"))
    with Store(where) as store:
        instrument = store.manifest(symbol).instrument
    with graph.begin(instrument) as running:
        if output not in running.outputs:
            raise ConfigError("there is no such output", expected=list(running.outputs), got=output)
    frames = []
    for number in range(found.written):
        content = (place / f"{number:06d}.results").read_bytes()
        frames += (
            [one.frame for one in unpack_results(content, instrument) if one.output == output]
            if content
            else []
        )
    return table_of(frames)
