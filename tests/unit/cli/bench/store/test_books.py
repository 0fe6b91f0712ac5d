import pytest
from support.recorded import recorded

from rtlab.cli.bench.store.books import RECORDED, _keep, books_at
from rtlab.sources import Binance
from rtlab.store import Store


@pytest.mark.recorded
def test_books_are_rebuilt_over_the_whole_of_a_recording(tmp_path):
    seqs = _keep(tmp_path, Binance(recorded(RECORDED["ETH"])))
    assert seqs == sorted(seqs)
    with Store(tmp_path) as store:
        (symbol,) = store.instruments()
        rows = store.read("book", symbol, columns=["seq"])
        assert seqs[-1] == rows.num_rows == rows.column("seq")[-1].as_py()
        assert len(store.manifest(symbol).of("book")) > 2
        book = store.book(symbol, at=(1, seqs[len(seqs) // 2]))
        assert book.bids[0][0] < book.asks[0][0]


def test_without_recorded_data_the_reason_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RTLAB_DATA", str(tmp_path))
    assert "no recorded data at" in books_at("BTC", 5)
