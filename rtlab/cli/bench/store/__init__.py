"""`rtlab bench store`: recording, asking and hot reading, beside ArcticDB and plain XADD."""

import asyncio
from collections.abc import Mapping, Sequence

from rtlab.cli.bench.results import result
from rtlab.cli.bench.store.books import RECORDED, books_at
from rtlab.cli.bench.store.hot import HotReads, hot_reads
from rtlab.cli.bench.store.peers import arctic, plain_xadd
from rtlab.cli.bench.store.queries import ask, start_times
from rtlab.cli.bench.store.recording import record, sample
from rtlab.cli.bench.store.seam import last_minute

ROWS_PER_S = 200_000
Row = dict[str, object]


def run(quick: bool) -> dict[str, object]:
    """Measure all of it; give results and goals as `rtlab bench --json` prints them."""
    seconds = 10.0 if quick else 60.0
    made = record(ROWS_PER_S, seconds)
    case = f"{ROWS_PER_S:,} rows/s for {seconds:.0f} s"
    results = [
        row("recorded, hot and cold", "rtlab", case, "rows/s", [made.rows_per_s]),
        row("worst lag", "rtlab", case, "s", [made.worst_lag_s]),
        row("increments and trades", "rtlab", case, "bytes/row", [made.bytes_per_row]),
    ]
    frames = sample(200_000 if quick else 1_000_000)
    results += [*arctic(frames), plain_xadd(frames, 3.0 if quick else 10.0)]
    asked = ask(1_200_000 if quick else 12_000_000)
    results += [row(name, "rtlab", asked.case, "ms", took) for name, took in asked.took.items()]
    results += [_books(name, 100 if quick else 577) for name in RECORDED]
    results.append(row("read the last minute", "rtlab", "recorder 60 s behind", "ms", last_minute(quick)))
    results += _hot(asyncio.run(hot_reads(5.0 if quick else 20.0)))
    results.append(
        row("start the embedded server", "rtlab", "a kept folder", "ms", start_times(5 if quick else 20))
    )
    return {"results": results, "goals": goals(results)}


def _hot(read: HotReads) -> list[Row]:
    case = "200 readers beside a recorder at 50,000 rows/s"
    counted, reason = (
        ([], "this system does not count it") if read.bytes_of_files is None else ([read.bytes_of_files], "")
    )
    return [
        *(row(name, "rtlab", case, "ms", took) for name, took in read.took.items()),
        result("read from files by the readers", "rtlab", case, "bytes", counted, reason),
    ]


def _books(name: str, most: int) -> Row:
    told, case = books_at(name, most), "recorded by its venue, by sequence"
    if isinstance(told, str):
        return result(f"book of the past, {name}", "rtlab", case, "ms", [], told)
    return row(f"book of the past, {name}", "rtlab", case, "ms", told)


def row(name: str, contender: str, case: str, unit: str, numbers: Sequence[float]) -> Row:
    """Give one result; `p95` and `p99` where there are many numbers."""
    ordered = sorted(numbers)
    more = {
        f"p{percent}": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
        for percent in (95, 99)
        if len(ordered) > 1
    }
    return result(name, contender, case, unit, numbers) | more


_GOALS = (
    (1, "recorded, hot and cold", "median", ROWS_PER_S * 0.99, ">="),
    (1, "worst lag", "median", 1.0, "<="),
    (1, "increments and trades", "median", 8.0, "<="),
    (2, "one-second OHLCV of one instrument", "p95", 100.0, "<="),
    (2, "count", "p95", 30.0, "<="),
    (2, "as-of join of trades with the book", "p95", 1000.0, "<="),
    (3, "read the last minute", "p99", 100.0, "<="),
    (4, "book of the past, BTC", "p95", 20.0, "<="),
    (4, "book of the past, ETH", "p95", 20.0, "<="),
    (7, "start the embedded server", "median", 150.0, "<="),
    (8, "book", "p99", 1.0, "<="),
    (8, "ticker", "p99", 1.0, "<="),
    (8, "read from files by the readers", "median", 0.0, "<="),
)


def goals(results: Sequence[Mapping[str, object]]) -> list[Row]:
    """Take the numbers that Shows bounds."""
    by_name = {str(one["name"]): one for one in results if one["contender"] == "rtlab"}
    return [
        {
            "show": show,
            "name": f"{name}, {which}",
            "value": by_name[name].get(which),
            "bound": bound,
            "op": op,
        }
        | {"unit": by_name[name]["unit"]}
        for show, name, which, bound, op in _GOALS
    ]
