import gzip
from pathlib import Path

import pytest
from support import recordings

from rtlab.errors import GridError, InstrumentError, RtlabError, SourceError
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, MarketMessage, Quote, VenueTrade
from rtlab.sources.binance import Binance

LINES = [
    recordings.book_ticker(1, ("10.00", "1"), ("10.01", "2"), ts_recv=100),
    recordings.depth(1, 2, [("10.00", "1")], ts_recv=110),
    recordings.stream("kline_1m", {"s": "BTCUSDT"}, ts_recv=115),
    recordings.snapshot(2, [("10.00", "1")], [("10.01", "2")], ts_recv=120),
    recordings.trade(1, "10.01", "0.5", buyer_is_maker=False, ts_recv=130),
    recordings.depth(3, 4, [("9.99", "1")], ts_recv=130),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return recordings.write_gzip(tmp_path / "market.gz", LINES)


def read(source: Binance) -> tuple[list[MarketMessage], RtlabError | None]:
    messages: list[MarketMessage] = []
    try:
        messages.extend(source)
    except RtlabError as error:
        return messages, error
    return messages, None


def test_messages_come_in_recorded_order(path: Path) -> None:
    source = Binance(path)
    messages = list(source)
    assert [type(m) for m in messages] == [Quote, DepthUpdate, DepthSnapshot, VenueTrade, DepthUpdate]
    assert [m.ts_recv for m in messages] == [100, 110, 120, 130, 130]
    assert {m.instrument for m in messages} == {"BTCUSDT"}


def test_what_was_read_is_counted_and_what_was_not_too(path: Path) -> None:
    source = Binance(path)
    assert source.statistics() == (0, 0, 0, 0, 0, 0)
    list(source)
    statistics = source.statistics()
    assert statistics.records == 6
    assert statistics.skipped == 1
    assert (statistics.snapshots, statistics.updates, statistics.trades, statistics.quotes) == (1, 2, 1, 1)


def test_each_iteration_starts_anew(path: Path) -> None:
    source = Binance(path)
    assert list(source) == list(source)
    assert source.statistics().records == 6


def test_market_and_grid_are_known_from_the_file(path: Path) -> None:
    source = Binance(path)
    assert (source.market, source.symbol) == ("spot", "BTCUSDT")
    assert source.instruments == (Instrument("BTCUSDT", "0.01", "0.00001"),)


def test_a_given_instrument_names_the_messages_and_sets_the_grid(path: Path) -> None:
    mine = Instrument("MINE", "0.001", "0.1")
    quote = next(iter(Binance(path, mine)))
    assert isinstance(quote, Quote)
    assert (quote.instrument, quote.bid, quote.bid_qty) == ("MINE", 10_000, 10)


def test_the_snapshot_may_come_before_what_names_the_symbol(tmp_path: Path) -> None:
    path = recordings.write_gzip(tmp_path / "a.gz", [LINES[3], LINES[5]])
    assert Binance(path).symbol == "BTCUSDT"


def test_an_unknown_symbol_needs_an_instrument(tmp_path: Path) -> None:
    path = recordings.write_gzip(tmp_path / "a.gz", [LINES[0].replace(b"BTCUSDT", b"PEPEUSDT")])
    with pytest.raises(InstrumentError, match=r"BTCUSDT \(usdm\).*got PEPEUSDT \(spot\)"):
        Binance(path)
    assert Binance(path, Instrument("PEPE", "0.01", "1")).symbol == "PEPEUSDT"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "names no instrument"),
        (gzip.compress(b"", mtime=0), "names no instrument"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "record 1 is not one of Binance"),
        (gzip.compress(b"hello\n", mtime=0), "record 1 is not one of Binance"),
        (
            gzip.compress(b'12 {"type": "l2update", "product_id": "BTC-USD"}\n', mtime=0),
            "record 1 is not one of Binance",
        ),
        (gzip.compress(LINES[3] + b"\n", mtime=0), "names no instrument"),
        (gzip.compress(LINES[0] + b"\n", mtime=0)[:30], "record 1 is cut"),
    ],
)
def test_a_foreign_file_is_refused_at_once(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=told) as caught:
        Binance(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing\.gz: the file cannot be read"):
        Binance(tmp_path / "nothing.gz")


def test_what_was_good_before_a_cut_is_given(tmp_path: Path) -> None:
    many = [
        recordings.trade(i, f"{1000 + i}.01", "0.5", buyer_is_maker=True, ts_recv=i) for i in range(5_000)
    ]
    path = recordings.write_gzip(tmp_path / "a.gz", many)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    messages, error = read(Binance(path))
    assert 2_000 < len(messages) < 3_000
    assert [m.ts_recv for m in messages] == list(range(len(messages)))
    assert isinstance(error, SourceError)
    assert f"record {len(messages) + 1} is cut" in str(error)


@pytest.mark.parametrize(
    ("line", "kind", "told"),
    [
        (b"garbage", SourceError, "record 4 is not one of Binance"),
        (LINES[5][:-9], SourceError, "record 4 is not one of Binance"),
        (
            LINES[5].replace(b"BTCUSDT", b"ETHUSDT"),
            SourceError,
            r"a message of ETHUSDT among those of BTCUSDT",
        ),
        (LINES[5].replace(b"9.99", b"9.995"), GridError, r"record 4: the price is off the grid"),
        (LINES[5].replace(b"9.99", b"-9.99"), GridError, r"record 4: the price is not a plain decimal"),
    ],
)
def test_what_was_good_before_a_bad_record_is_given(
    tmp_path: Path, line: bytes, kind: type[RtlabError], told: str
) -> None:
    path = recordings.write_gzip(tmp_path / "a.gz", [LINES[0], LINES[1], LINES[3], line, LINES[4]])
    messages, error = read(Binance(path))
    assert [type(m) for m in messages] == [Quote, DepthUpdate, DepthSnapshot]
    assert type(error) is kind
    with pytest.raises(kind, match=told):
        raise error


def test_chunks_hold_what_was_received_within_the_window(path: Path) -> None:
    source = Binance(path)
    assert [(ts, len(chunk)) for ts, chunk in source.chunks()] == [(100, 1), (110, 1), (120, 1), (130, 2)]
    assert [(ts, len(chunk)) for ts, chunk in source.chunks(20)] == [(100, 3), (130, 2)]
    assert [(ts, len(chunk)) for ts, chunk in source.chunks(10**9)] == [(100, 5)]
    assert [m for _, chunk in source.chunks(15) for m in chunk] == list(source)


def test_chunks_give_what_was_good_before_an_error(tmp_path: Path) -> None:
    path = recordings.write_gzip(tmp_path / "a.gz", [LINES[0], LINES[1], b"garbage"])
    chunks = list[tuple[int, list[MarketMessage]]]()
    with pytest.raises(SourceError, match="record 3"):
        chunks.extend(Binance(path).chunks(10**9))
    assert [(ts, len(messages)) for ts, messages in chunks] == [(100, 2)]
