import pyarrow as pa
import pytest
from support.kept import Made, keep
from support.own_channel import some, writer
from support.recorded import missing

from rtlab.errors import ConfigError, StoreError
from rtlab.store.api import Store
from rtlab.store.cold.own import OwnWriter, schema_of
from rtlab.store.cold.place import LocalPlace
from rtlab.store.distributed import partition


@pytest.fixture
def dask():
    try:
        import dask
    except ImportError:
        missing("no dask (extra cluster)")
    with dask.config.set(scheduler="synchronous"):
        yield dask


def test_a_channel_is_a_dask_frame_of_one_partition_a_file(dask, tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=3)
    with Store(tmp_path) as store:
        frame = store.dask("trades")
        assert frame.npartitions == 3
        last = store.manifest("BTC-USD").of("trades")[-1].last
        assert int(frame["qty"].sum().compute()) == sum(row[5] for row in made.trades[:last])
        assert set(frame["instrument"].compute()) == {"BTC-USD"}
        with pytest.raises(ConfigError, match="no such channel"):
            store.dask("quotes")


def test_no_files_are_an_empty_partition(tmp_path):
    frame = partition(str(tmp_path), ())
    assert len(frame) == 0
    assert str(frame["qty"].dtype) == "int64"


def test_an_own_channel_is_one_too_and_what_an_instrument_lacks_is_empty(dask, tmp_path):
    other = schema_of([pa.field("note", pa.string()), pa.field("weight", pa.float64())])
    with writer(tmp_path) as one, OwnWriter(LocalPlace(tmp_path), tmp_path, "notes", "ETH", other) as two:
        one.append(some(0, 3))
        with Store(tmp_path) as store, pytest.raises(StoreError, match="no file of notes is made yet"):
            store.dask("notes")
        one.roll()
        one.append(some(3, 3))
        one.roll()
        two.append(pa.table({"ts": [5], "note": ["x"], "weight": [0.5]}))
        two.roll()
    with Store(tmp_path) as store:
        frame = store.dask("notes")
        assert frame.npartitions == 3
        assert dict(frame.dtypes.astype(str)) == dict(frame.compute().dtypes.astype(str))
        told = frame.groupby("instrument")["size"].agg(["count", "sum"]).compute()
        assert told.loc["BTC/USD"].tolist() == [6, 30]
        assert told.loc["ETH"].iloc[0] == 0
        assert float(frame["weight"].sum().compute()) == 0.5
        assert store.compact()["notes/BTC/USD"].made == 1
        assert store.dask("notes").npartitions == 2
        with pytest.raises(ConfigError, match="expected one of book, trades, levels, notes"):
            store.dask("candles")


def test_an_own_channel_whose_columns_clash_is_one_clear_error(tmp_path):
    clash = schema_of([pa.field("note", pa.int64())])
    with writer(tmp_path) as one, OwnWriter(LocalPlace(tmp_path), tmp_path, "notes", "ETH", clash) as two:
        one.append(some(0, 3))
        one.roll()
        two.append(pa.table({"ts": [5], "note": [1]}))
        two.roll()
    with Store(tmp_path) as store, pytest.raises(ConfigError, match="not of one type for all instruments"):
        store.dask("notes")
