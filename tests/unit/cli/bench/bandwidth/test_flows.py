import numpy as np
from support.recorded import recorded as recorded_path

from rtlab.cli.bench.bandwidth import measure
from rtlab.cli.bench.bandwidth.flows import recorded, simulated


def test_a_recording_is_counted_from_when_its_book_is_whole(monkeypatch):
    path = recorded_path("binance/usdm_btcusdt_20240808.gz")
    monkeypatch.setenv("RTLAB_DATA", str(path.parent.parent))
    report = measure(2.0, 0.05, (25,), ("BTC perpetual",))
    rows = {
        (row["name"], row["case"]): row["median"] for row in report["results"] if row["contender"] == "rtlab"
    }
    assert rows["books equal at the end", "BTC perpetual, depth 25, every change, msgpack"] == 1.0
    assert rows["full state / increments", "BTC perpetual, depth 25, every change, msgpack"] > 2


def test_each_step_of_the_simulated_flow_changes_the_book_and_time_goes_on():
    flow = simulated(0.2)
    book, seqs, times = flow.market.book(flow.instrument.symbol), [], []
    for step in flow.steps:
        seqs.append(book.seq)
        times.append(step.now)
    assert len(seqs) > 50
    assert np.all(np.diff(seqs) > 0)
    assert np.all(np.diff(times) >= 0)


def test_a_missing_recording_is_a_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("RTLAB_DATA", str(tmp_path))
    assert "RTLAB_DATA" in recorded("BTC perpetual", 1.0)
    monkeypatch.delenv("RTLAB_DATA")
    assert "RTLAB_DATA" in recorded("ETH spot", 1.0)
