from rtlab.cli.bench.store import _books, goals, row


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
