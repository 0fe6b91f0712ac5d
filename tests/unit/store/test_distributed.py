import pytest
from support.kept import Made, keep
from support.recorded import missing

from rtlab.errors import ConfigError
from rtlab.store.api import Store
from rtlab.store.distributed import partition


def test_a_channel_is_a_dask_frame_of_one_partition_a_file(tmp_path):
    try:
        import dask
    except ImportError:
        missing("no dask (extra cluster)")
    made = Made()
    keep(tmp_path, made, rolls=3)
    with Store(tmp_path) as store:
        frame = store.dask("trades")
        assert frame.npartitions == 3
        last = store.manifest("BTC-USD").of("trades")[-1].last
        with dask.config.set(scheduler="synchronous"):
            assert int(frame["qty"].sum().compute()) == sum(row[5] for row in made.trades[:last])
            assert set(frame["instrument"].compute()) == {"BTC-USD"}
        with pytest.raises(ConfigError, match="no such channel"):
            store.dask("quotes")


def test_no_files_are_an_empty_partition(tmp_path):
    frame = partition(str(tmp_path), ())
    assert len(frame) == 0
    assert str(frame["qty"].dtype) == "int64"
