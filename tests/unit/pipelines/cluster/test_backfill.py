import pytest
from distributed import Client, LocalCluster
from support.frames import trades
from support.kept import BTC, Made, keep
from support.shards import analytics, values

from rtlab.errors import ConfigError, LocalError, SourceError, StoreError
from rtlab.pipelines import Graph, backfill, read_backfill
from rtlab.pipelines.cluster.results import table_of

OUTPUTS = ("bars", "vwap", "ema", "volatility")


@pytest.fixture
def made(tmp_path) -> Made:
    one = Made(step_ns=20_000_000)
    keep(tmp_path / "store", one, rolls=4, steps=60)
    return one


def live(made: Made) -> dict[str, dict[str, list]]:
    """What the graph said while it happened, trade by trade."""
    rows = [(ts, price, qty, side) for _, _, ts, side, price, qty in made.trades]
    came: dict[str, list] = {}
    with Graph(analytics).begin(BTC) as running:
        for first in range(0, len(rows), 7):
            for name, frames in running.push(trades(rows[first : first + 7], first + 1, BTC)).items():
                came.setdefault(name, []).extend(frames)
    return {name: values(table_of(frames)) for name, frames in came.items()}


def read(folder, output: str) -> dict[str, list]:
    return values(read_backfill(folder / "out", Graph(analytics), folder / "store", BTC.symbol, output))


def test_history_says_what_the_live_graph_said(made, tmp_path):
    (part,) = backfill(Graph(analytics), tmp_path / "store", tmp_path / "out")
    assert (part.symbol, part.rows) == (BTC.symbol, len(made.trades))
    assert part.files > 2
    expected = live(made)
    assert {name: read(tmp_path, name) for name in OUTPUTS} == expected
    assert len(expected["bars"]["start"]) > 5


def test_what_is_done_is_not_done_again(made, tmp_path):
    graph = Graph(analytics)
    first = backfill(graph, tmp_path / "store", tmp_path / "out")
    stamp = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.results")}
    assert backfill(graph, tmp_path / "store", tmp_path / "out") == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.results")} == stamp


@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_run_that_ended_on_the_way_goes_on(made, tmp_path, after):
    calls = []

    def failing(stream):
        def once(frame):
            calls.append(frame.rows)
            if len(calls) == after:
                raise RuntimeError("the power is gone")
            return frame

        return {"through": stream.map(once), **analytics(stream)}

    def plain(stream):
        def once(frame):
            return frame

        return {"through": stream.map(once), **analytics(stream)}

    with pytest.raises(LocalError, match="the power is gone"):
        backfill(Graph(failing), tmp_path / "store", tmp_path / "out")
    if after == 1:
        backfill(Graph(plain), tmp_path / "store", tmp_path / "out")
    else:
        with pytest.raises(ConfigError, match="map once has changed since its state was saved"):
            backfill(Graph(plain), tmp_path / "store", tmp_path / "out")
        backfill(Graph(failing), tmp_path / "store", tmp_path / "out")
    found = read_backfill(tmp_path / "out", Graph(plain), tmp_path / "store", BTC.symbol, "vwap")
    assert values(found) == live(made)["vwap"]


def test_rows_that_came_since_are_added(tmp_path):
    made = Made(step_ns=20_000_000)
    keep(tmp_path / "store", made, rolls=2, steps=40)
    backfill(Graph(analytics), tmp_path / "store", tmp_path / "out")
    keep(tmp_path / "store", made, rolls=2, steps=40)
    (part,) = backfill(Graph(analytics), tmp_path / "store", tmp_path / "out")
    assert part.rows == len(made.trades)
    assert {name: read(tmp_path, name) for name in OUTPUTS} == live(made)


@pytest.mark.filterwarnings("ignore")
def test_workers_of_dask_say_the_same(made, tmp_path):
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        backfill(Graph(analytics), tmp_path / "store", tmp_path / "out", client=client)
    assert read(tmp_path, "bars") == live(made)["bars"]


def test_what_cannot_be_is_named(made, tmp_path):
    with pytest.raises(LocalError, match="expected a graph of trades, got ticker"):
        backfill(
            Graph(lambda s: {"mid": s.midprice()}, channel="ticker"), tmp_path / "store", tmp_path / "out"
        )
    with pytest.raises(StoreError, match="nothing of DOGE"):
        backfill(Graph(analytics), tmp_path / "store", tmp_path / "out", instruments=["DOGE"])
    with pytest.raises(StoreError, match=f"nothing of {BTC.symbol} was backfilled"):
        read(tmp_path, "bars")
    backfill(Graph(analytics), tmp_path / "store", tmp_path / "out")
    with pytest.raises(ConfigError, match="no such output"):
        read(tmp_path, "candles")
    (tmp_path / "out" / BTC.symbol / "checkpoint").write_bytes(b"damaged")
    with pytest.raises(SourceError, match="damaged"):
        backfill(Graph(analytics), tmp_path / "store", tmp_path / "out")
