from rtlab.cli.bench.store import _books, _hot, goals, row
from rtlab.cli.bench.store.hot import HotReads


def test_a_row_tells_its_percentiles_where_there_are_many_numbers():
    told = row("x", "rtlab", "case", "ms", [float(n) for n in range(1, 101)])
    assert (told["median"], told["min"], told["max"], told["p95"], told["p99"]) == (
        50.5,
        1.0,
        100.0,
        96.0,
        100.0,
    )
    assert "p99" not in row("x", "rtlab", "case", "ms", [3.0])


def test_every_goal_has_its_number_and_a_peer_is_none():
    names = (
        "recorded, hot and cold",
        "worst lag",
        "increments and trades",
        "one-second OHLCV of one instrument",
        "count",
        "as-of join of trades with the book",
        "read the last minute",
        "book of the past, BTC",
        "book of the past, ETH",
        "start the embedded server",
        "book",
        "ticker",
        "read from files by the readers",
    )
    results = [row(name, "rtlab", "case", "unit", [1.0, 2.0]) for name in names]
    results.append(row("increments and trades", "arcticdb", "case", "unit", [99.0]))
    told = goals(results)
    assert {one["show"] for one in told} == {1, 2, 3, 4, 7, 8}
    assert all(one["value"] in (1.5, 2.0) for one in told)


def test_a_book_of_the_past_without_recorded_data_has_a_reason_and_no_number(tmp_path, monkeypatch):
    monkeypatch.setenv("RTLAB_DATA", str(tmp_path))
    told = _books("BTC", 5)
    assert told["median"] is None
    assert "no recorded data" in told["reason"]


def test_hot_reads_tell_what_was_read_from_files_or_why_that_is_not_known():
    took = {"book": [0.1, 0.2], "ticker": [0.3]}
    *times, counted = _hot(HotReads(took, 0))
    assert [one["name"] for one in times] == list(took)
    assert (counted["median"], counted["unit"]) == (0, "bytes")
    assert "p99" not in counted
    unknown = _hot(HotReads(took, None))[-1]
    assert (unknown["median"], unknown["reason"]) == (None, "this system does not count it")
