"""`rtlab bench cluster`: shards on a Dask cluster of this machine, beside the same shards without Dask."""

from collections.abc import Sequence
from contextlib import closing
from importlib.metadata import version
from itertools import chain
from statistics import median
from typing import NamedTuple

from rtlab.cli.bench.cluster.crew import on_dask, plain
from rtlab.cli.bench.cluster.outlook import Outlook, outlook
from rtlab.cli.bench.cluster.race import GRAPH, INSTRUMENTS, Course, Measured
from rtlab.cli.bench.results import result
from rtlab.embedded import EmbeddedServer
from rtlab.errors import LocalError
from rtlab.extras import extra

Result = dict[str, object]
Rounds = list[list[Measured]]

SHARDS = (1, 2, 4)
PLAIN = "the same processes without Dask"
GOAL = 0.8


class Size(NamedTuple):
    """How much is measured."""

    rounds: int  # in each, both kinds of processes are started anew, one after the other
    races: int  # of each in a round
    rows: int


FULL, QUICK = Size(3, 3, 2_000_000), Size(1, 2, 1_000_000)


def run(quick: bool, shards: Sequence[int] = SHARDS) -> dict[str, object]:
    """Measure all of it; give results and goals as `rtlab bench --json` prints them."""
    with extra("cluster", "distributed", "rtlab bench cluster"):
        from distributed import Client  # noqa: F401
    size = QUICK if quick else FULL
    with EmbeddedServer() as redis, closing(Course(redis.url)) as course:
        races = {count: _both(course, count, size) for count in shards}
    measured = [one for both in races.values() for rounds in both for one in _all(rounds)]
    if len({one.digest for one in measured}) != 1:
        raise LocalError("the shards of a race came to different results", expected="one state an instrument")
    results, goals = [], []
    for count, (without, dask) in races.items():
        case = f"{_shards(count)}, {size.rows:,} trades of {len(INSTRUMENTS)} instruments"
        results += _rows(PLAIN, case, _all(without))
        results += _rows(f"rtlab on Dask {version('distributed')}", case, _all(dask))
        ratios = [_rate(one) / _rate(other) for one, other in zip(dask, without, strict=True)]
        results.append(result("on Dask / without", "both", case, "x", ratios))
        goals.append(_goal(count, median(ratios)))
    least, most = (_middle(_all(races[count][1])) for count in (min(shards), max(shards)))
    return {"results": results + _derived(outlook(least, most, max(shards))), "goals": goals}


def _both(course: Course, shards: int, size: Size) -> tuple[Rounds, Rounds]:
    """Race without Dask and on it in turn: what else this machine does meets both, and none waits beside the other."""
    found: tuple[Rounds, Rounds] = [], []
    for _ in range(size.rounds):
        for kind, rounds in zip((plain, on_dask), found, strict=True):
            with kind(GRAPH, shards) as crew:
                course.race(crew, size.rows // 10)  # what comes the first time is loaded
                rounds.append([course.race(crew, size.rows) for _ in range(size.races)])
    return found


def _rate(races: Sequence[Measured]) -> float:
    return median(one.rate for one in races)


def _all(rounds: Rounds) -> list[Measured]:
    return list(chain.from_iterable(rounds))


def _middle(races: Sequence[Measured]) -> Measured:
    return sorted(races, key=lambda one: one.rate)[len(races) // 2]


def _rows(contender: str, case: str, races: Sequence[Measured]) -> list[Result]:
    columns: dict[tuple[str, str], list[float]] = {
        ("throughput", "rows/s"): [one.rate for one in races],
        ("CPU of the shards", "us/row"): [1e6 * one.folding_s / one.rows for one in races],
        ("CPU of Redis", "us/row"): [1e6 * one.redis_s / one.rows for one in races],
        ("memory of the shards", "MiB"): [one.resident / 2**20 for one in races],
    }
    if any(one.scheduling_s for one in races):
        percent = [100 * one.scheduling_s / one.lasted_s for one in races]
        columns["CPU of scheduler, nannies and client", "% of a core"] = percent
    return [result(name, contender, case, unit, numbers) for (name, unit), numbers in columns.items()]


def _derived(found: Outlook) -> list[Result]:
    case = "if a row costs each part what it cost here"
    told = [
        ("one core that folds", "rows/s", found.rate_of_core),
        ("one Redis", "rows/s", found.rate_of_redis),
        ("network of that Redis", "MB/s", found.mb_per_s),
        ("cores that fold as much as one Redis carries", "cores", found.cores_of_redis),
        ("shards that one scheduler watches", "shards", found.shards_of_scheduler),
        *(
            (f"{n} cores, and Redis and scheduler on their own", "rows/s", found.rate(n))
            for n in (1, 2, 4, 8)
        ),
    ]
    return [result(name, "derived", case, unit, [number]) for name, unit, number in told]


def _shards(count: int) -> str:
    return f"{count} shard{'s' if count > 1 else ''}"


def _goal(shards: int, ratio: float) -> Result:
    name = f"throughput of {_shards(shards)} on Dask beside the same without"
    return {"show": 6, "name": name, "value": ratio, "op": ">=", "bound": GOAL, "unit": "x"}
