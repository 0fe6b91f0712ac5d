"""`rtlab bench history`: bars of a long history, by DuckDB alone and in three ways by Dask, over the same folder."""

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rtlab.cli.bench.results import result
from rtlab.cli.bench.store.recording import folder
from rtlab.errors import LocalError
from rtlab.extras import extra
from rtlab.model import Instrument
from rtlab.pipelines import FrameStream, Graph
from rtlab.store import Store
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.manifest import FileEntry
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter
from rtlab.store.tables import append_rows

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client

INSTRUMENTS = tuple(Instrument(f"SYM-{n:02}", Decimal("0.01"), Decimal("0.001")) for n in range(12))
WORKERS = 2
SECOND = 1_000_000_000
BEGIN_NS = 1_700_000_000 * SECOND
FILES = 4  # of an instrument
CODE = 1 << 32  # above any price
KEYS = ["instrument", "second"]
BARS = f"""
    SELECT instrument, ts // {SECOND} AS second, min(seq) AS first, max(seq) AS last, arg_min(price, seq) AS open,
           max(price) AS high, min(price) AS low, arg_max(price, seq) AS close, sum(qty)::BIGINT AS lots
    FROM trades GROUP BY instrument, second"""


class Total(NamedTuple):
    """What every way must come to: bars, and the sums of their columns."""

    bars: int
    open: int
    high: int
    low: int
    close: int
    lots: int


def run(quick: bool, rows: int | None = None) -> dict[str, object]:
    """Measure all of it; give results, and no goals, as `rtlab bench --json` prints them."""
    with extra("cluster", "distributed", "rtlab bench history"):
        from distributed import Client, LocalCluster
    rows, runs = rows or (1_200_000 if quick else 12_000_000), 1 if quick else 3
    with (
        folder() as path,
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,  # type: ignore[no-untyped-call]
    ):
        keep(path / "store", rows)
        return {"results": measure(path, client, runs, f"{rows:,} trades to bars of a second"), "goals": []}


def keep(path: Path, rows: int) -> None:
    """Keep so many random trades, in all, of all instruments."""
    for seed, instrument in enumerate(INSTRUMENTS):
        with ColdWriter(LocalPlace(path), path, instrument) as writer:
            writer.begin(Stand(1, ts=BEGIN_NS), Levels.empty(), "start")
            for _ in range(FILES):
                _append(writer, rows // len(INSTRUMENTS) // FILES, np.random.default_rng(seed))


def _append(writer: ColdWriter, count: int, rng: np.random.Generator) -> None:
    ts = writer.stand.ts + np.cumsum(rng.integers(1, 40_000_000, count))
    price = 1_000_000 + np.cumsum(rng.integers(-2, 3, count))
    side = rng.integers(0, 2, count)
    append_rows(writer, ts, price, rng.geometric(0.01, count), side)
    writer.roll()


def measure(path: Path, client: "Client", runs: int, case: str) -> list[dict[str, object]]:
    """Time each way so often; LocalError where one comes to other bars."""
    ways: dict[str, Callable[[], Total]] = {
        "DuckDB alone (store.sql)": lambda: alone(path / "store"),
        f"DuckDB per file, Dask tasks on {WORKERS} workers": lambda: per_file(path / "store", client),
        f"the graph, backfill on {WORKERS} workers": lambda: by_graph(path, client),
        f"Dask dataframe on {WORKERS} workers": lambda: by_frame(path / "store", client),
    }
    results, expected = [], alone(path / "store")
    for contender, way in ways.items():
        took = []
        for _ in range(1 + runs):
            began = time.perf_counter()
            found = way()
            took.append(time.perf_counter() - began)
            if found != expected:
                raise LocalError(f"{contender} comes to other bars", expected=expected, got=found)
        del took[0]  # in it modules are loaded, here and on the workers
        results.append(result("history", contender, case, "s", took))
    return results


def alone(where: Path) -> Total:
    """Ask DuckDB in this process."""
    with Store(where) as store:
        return total(store.sql(BARS).to_pandas())


def per_file(where: Path, client: "Client") -> Total:
    """Ask DuckDB on a worker for each file; put bars together that files share."""
    import pandas as pd

    with Store(where) as store:
        files = [
            (symbol, one) for symbol in store.instruments() for one in store.manifest(symbol).of("trades")
        ]
    futures = client.map(bars_of, *zip(*files, strict=True), [where] * len(files), pure=False)
    parts: Any = pd.concat(client.gather(futures))  # type: ignore[no-untyped-call]
    parts = parts.sort_values([*KEYS, "first"]).groupby(KEYS, as_index=False)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "lots": "sum"}
    return total(parts.agg(how))


def bars_of(symbol: str, entry: FileEntry, where: Path) -> "pd.DataFrame":
    """Give the bars of one file; runs on a worker, which must see the same folder."""
    import duckdb

    rows = f"(SELECT '{symbol}' AS instrument, * FROM read_parquet('{where / entry.path}')) AS trades"
    with duckdb.connect() as asked:
        found: pd.DataFrame = asked.sql(BARS.replace("FROM trades", f"FROM {rows}")).df()
        return found


def by_graph(path: Path, client: "Client") -> Total:
    """Fold each instrument's history by a graph, and read what came of it."""
    import pandas as pd

    from rtlab.pipelines.cluster.backfill import backfill, read_backfill

    with folder() as out:
        backfill(GRAPH, path / "store", out, client=client)
        found = [read_backfill(out, GRAPH, path / "store", one.symbol, "bars") for one in INSTRUMENTS]
    columns = [{n: np.rint(one[n] * 100) for n in ("open", "high", "low", "close")} for one in found if one]
    lots = [np.rint(one["volume"] * 1000) for one in found if one]
    return total(pd.concat([pd.DataFrame({**c, "lots": q}) for c, q in zip(columns, lots, strict=True)]))


def by_frame(where: Path, client: "Client") -> Total:
    """Group a Dask dataframe of all files; it keeps no order, so that its `first` and `last` are any row's."""
    with Store(where) as store:
        rows = store.dask("trades")
    rows["second"] = rows["ts"] // SECOND
    rows["ordered"] = rows["seq"].astype("int64") * CODE + rows["price"].astype("int64")
    how = {"ordered": ["min", "max"], "price": ["max", "min"], "qty": ["sum"]}
    bars = client.compute(rows.groupby(KEYS).agg(how)).result()  # type: ignore[no-untyped-call]
    bars.columns = ["open", "close", "high", "low", "lots"]
    bars[["open", "close"]] %= CODE
    return total(bars)


def bars(stream: FrameStream) -> dict[str, FrameStream]:
    """Make of an instrument's trades bars of a second."""
    return {"bars": stream.bars("1s")}


GRAPH = Graph(bars, name="history")


def total(table: "pd.DataFrame") -> Total:
    """Give the number of bars and the sums of their columns."""
    return Total(len(table), *(int(table[name].sum()) for name in Total._fields[1:]))
