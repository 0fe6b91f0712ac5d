import pytest
from support import recordings

from rtlab.errors import GridError
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Quote, Side, VenueTrade
from rtlab.sources.binance_records import RecordDecoder, market_and_symbol

INSTRUMENT = Instrument("BTC", "0.10", "0.001")
FUTURE_TICKER = {
    "e": "bookTicker",
    "T": 9,
    "E": 9,
    "u": 5,
    "s": "BTCUSDT",
    "b": "1",
    "B": "1",
    "a": "2",
    "A": "1",
}


@pytest.fixture
def decoder() -> RecordDecoder:
    return RecordDecoder("BTCUSDT", INSTRUMENT)


def test_a_depth_diff_of_spot_has_no_name_of_the_one_before(decoder: RecordDecoder) -> None:
    line = recordings.depth(3, 5, [("61800.20", "1.5")], [("61801.00", "0.000")], ts_recv=77)
    assert decoder.decode(line) == DepthUpdate(
        instrument="BTC",
        ts_event=7_000_000,
        ts_recv=77,
        first_id=3,
        last_id=5,
        prev_id=None,
        bids=[(618002, 1500)],
        asks=[(618010, 0)],
    )


def test_a_depth_diff_of_futures_has_one_and_the_time_it_happened(decoder: RecordDecoder) -> None:
    message = decoder.decode(recordings.depth(3, 5, pu=2, T=6))
    assert isinstance(message, DepthUpdate)
    assert (message.prev_id, message.ts_event) == (2, 6_000_000)


def test_a_snapshot_has_the_time_the_venue_gives(decoder: RecordDecoder) -> None:
    line = recordings.snapshot(9, [("1.0", "2")], [("1.1", "3")], ts_recv=50, T=4, E=5)
    assert decoder.decode(line) == DepthSnapshot(
        instrument="BTC", ts_event=4_000_000, ts_recv=50, last_id=9, bids=[(10, 2000)], asks=[(11, 3000)]
    )


@pytest.mark.parametrize(("buyer_is_maker", "side"), [(True, Side.ASK), (False, Side.BID)])
def test_a_trade_has_the_side_of_its_aggressor(
    decoder: RecordDecoder, buyer_is_maker: bool, side: Side
) -> None:
    message = decoder.decode(recordings.trade(4, "10.10", "0.010", buyer_is_maker=buyer_is_maker, ts_recv=60))
    assert message == VenueTrade(
        instrument="BTC", ts_event=8_000_000, ts_recv=60, trade_id=4, aggressor_side=side, price=101, qty=10
    )


def test_a_quote_without_a_time_has_the_newest_of_the_venue(decoder: RecordDecoder) -> None:
    line = recordings.book_ticker(5, ("10.0", "1"), ("10.1", "2"), ts_recv=70)
    first = decoder.decode(line)
    assert isinstance(first, Quote)
    assert first.ts_event == 70  # nothing better is known
    decoder.decode(recordings.trade(4, "10.10", "0.010", buyer_is_maker=True))
    assert decoder.decode(line) == Quote(
        instrument="BTC",
        ts_event=8_000_000,
        ts_recv=70,
        update_id=5,
        bid=100,
        bid_qty=1000,
        ask=101,
        ask_qty=2000,
    )


def test_a_quote_of_futures_has_its_own_time(decoder: RecordDecoder) -> None:
    message = decoder.decode(recordings.stream("bookTicker", FUTURE_TICKER))
    assert isinstance(message, Quote)
    assert message.ts_event == 9_000_000


@pytest.mark.parametrize("channel", ["kline_1m", "aggTrade", "markPrice@1s", "depth20@100ms", ""])
def test_other_streams_are_passed_over(decoder: RecordDecoder, channel: str) -> None:
    assert decoder.decode(recordings.stream(channel, {"anything": 1})) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"12 ",
        b"12 []",
        b"12 {}",
        b'12 {"some": "json"}',
        b'12 {"stream": "btcusdt@trade"}',
        b'12 {"stream": "btcusdt@trade", "data": {}}',
        b'12 {"stream": "btcusdt@trade", "data": {"s": "BTCUSDT", "t": "four"}}',
        b'12 {"lastUpdateId": 5, "bids": [["1"]], "asks": []}',
        b'12 {"lastUpdateId": 5, "bids": [[1, 2]], "asks": []}',
        b'x {"lastUpdateId": 5, "bids": [], "asks": []}',
        recordings.depth(1, 2)[:-5],
        recordings.stream("trade", {"s": "ETHUSDT", "t": 1, "p": "1", "q": "1", "T": 1, "m": True}),
    ],
)
def test_a_line_that_is_no_record_of_this_symbol_is_a_value_error(
    decoder: RecordDecoder, line: bytes
) -> None:
    with pytest.raises(ValueError):
        decoder.decode(line)


def test_a_number_off_the_grid_is_a_grid_error(decoder: RecordDecoder) -> None:
    with pytest.raises(GridError, match=r"price is off the grid.*10\.15"):
        decoder.decode(recordings.depth(1, 2, [("10.15", "1")]))
    with pytest.raises(GridError, match=r"quantity is off the grid.*0\.0005"):
        decoder.decode(recordings.depth(1, 2, [("10.10", "0.0005")]))


@pytest.mark.parametrize(
    ("line", "market"),
    [
        (recordings.depth(1, 2), "spot"),
        (recordings.depth(1, 2, pu=0), "usdm"),
        (recordings.trade(1, "1", "1", buyer_is_maker=True), "spot"),
        (recordings.stream("trade", {"e": "trade", "s": "BTCUSDT", "X": "MARKET"}), "usdm"),
        (recordings.book_ticker(1, ("1", "1"), ("2", "1")), "spot"),
        (recordings.stream("bookTicker", FUTURE_TICKER), "usdm"),
    ],
)
def test_each_message_tells_its_market(line: bytes, market: str) -> None:
    assert market_and_symbol(line) == (market, "BTCUSDT")


def test_a_snapshot_does_not_tell_and_nonsense_is_refused() -> None:
    assert market_and_symbol(recordings.snapshot(5)) is None
    for line in (b"", b"12 {}", b"hello", b'1 {"stream": "x@trade", "data": {"e": "trade"}}'):
        with pytest.raises(ValueError):
            market_and_symbol(line)
