import sys

import pandas as pd
import pytest
from distributed import Client, LocalCluster

from rtlab.cli.bench import history
from rtlab.cli.bench.history import INSTRUMENTS, SECOND, Total, alone, measure, total
from rtlab.errors import LocalError
from rtlab.store import Store

pytestmark = pytest.mark.filterwarnings("ignore")
ROWS = 12 * 400


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("history")
    history.keep(path / "store", ROWS)
    return path


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as one,
    ):
        yield one


def test_duckdb_comes_to_the_bars_of_pandas(kept):
    tables = []
    with Store(kept / "store") as store:
        for instrument in INSTRUMENTS:
            assert len(store.manifest(instrument.symbol).of("trades")) == history.FILES
            rows = store.read("trades", instrument.symbol).to_pandas().sort_values("seq")
            bars = rows.groupby(rows.ts // SECOND)
            columns = {"open": bars.price.first(), "high": bars.price.max(), "low": bars.price.min()}
            tables.append(pd.DataFrame({**columns, "close": bars.price.last(), "lots": bars.qty.sum()}))
    expected = pd.concat(tables)
    assert len(expected) > 8 * len(INSTRUMENTS)
    assert alone(kept / "store") == total(expected)


def test_every_way_comes_to_the_same_bars_and_is_timed(kept, client):
    results = measure(kept, client, 1, "here")
    assert [str(one["contender"]).split(",")[0].split(" on ")[0] for one in results] == [
        "DuckDB alone (store.sql)",
        "DuckDB per file",
        "the graph",
        "Dask dataframe",
    ]
    assert all(one["runs"] == 1 and one["median"] > 0 and one["case"] == "here" for one in results)


def test_a_way_that_comes_to_other_bars_is_no_result(kept, client, monkeypatch):
    wrong = Total(1, 2, 3, 4, 5, 6)
    monkeypatch.setattr(history, "per_file", lambda where, client: wrong)
    with pytest.raises(
        LocalError, match=r"DuckDB per file.* comes to other bars: expected .* got .*bars=1, open=2"
    ):
        measure(kept, client, 1, "here")


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LocalError, match=r"rtlab\[cluster\]"):
        history.run(quick=True)
