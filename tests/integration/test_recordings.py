"""Binance's own second channel judges the books that we make of the first: both markets, every quote."""

from pathlib import Path
from typing import NamedTuple

import pytest
from support.recorded import recorded

from rtlab.book.l2 import L2Book
from rtlab.book.venue import VenueBook, VenueStatistics
from rtlab.errors import GridError, SourceError
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Quote, VenueTrade
from rtlab.sources import Binance, BinanceStatistics, QuoteOracle, open_source

pytestmark = pytest.mark.recorded


class Recording(NamedTuple):
    """A file, and what is known about it."""

    name: str
    market: str
    counts: BinanceStatistics
    points: int


FUTURES = Recording(
    "binance/usdm_btcusdt_20240808.gz", "usdm", BinanceStatistics(93_954, 1, 6_551, 21_313, 66_089, 0), 629
)
SPOT = Recording(
    "binance/spot_ethusdt_20240808.gz", "spot", BinanceStatistics(33_618, 1, 3_434, 6_106, 24_077, 0), 577
)
BOTH = pytest.mark.parametrize("recording", [FUTURES, SPOT], ids=lambda r: r.market)


@BOTH
def test_every_quote_at_an_equal_id_is_what_the_book_shows(recording: Recording) -> None:
    source = open_source(recorded(recording.name))
    assert isinstance(source, Binance)
    venue, oracle = VenueBook(L2Book()), QuoteOracle()
    for message in source:
        match message:
            case Quote():
                oracle.quote(message)
            case DepthUpdate() | DepthSnapshot():
                for last_id, seq in venue.apply(message):
                    oracle.reached(last_id, seq)
                    oracle.observe(seq, venue.book.bids(1)[0], venue.book.asks(1)[0])
    statistics = oracle.statistics()
    print(f"{recording.name}: {statistics}, {venue.statistics()}")
    assert list(oracle.differences) == []
    assert (statistics.points, statistics.equal) == (recording.points, recording.points)
    assert statistics.forgotten == 0
    before = recording.counts.updates - venue.statistics().applied
    assert venue.statistics() == VenueStatistics(
        applied=recording.counts.updates - before,
        snapshots=1,
        gaps=0,
        old=before,
        stale=0,
        buffered=0,
        forgotten=0,
    )
    assert before < 5


@BOTH
def test_every_record_is_read_and_no_number_is_bent(recording: Recording) -> None:
    source = Binance(recorded(recording.name))
    assert source.market == recording.market
    instrument, ts_recv = source.instrument, 0
    for message in source:
        assert message.ts_recv >= ts_recv
        ts_recv = message.ts_recv
        assert (
            abs(message.ts_event - ts_recv) < 5 * 10**9
        )  # the recorder's clock was 1.3 s behind the venue's
        if isinstance(message, VenueTrade):
            assert message.qty > 0
            assert instrument.ticks(instrument.price(message.price)) == message.price
    assert source.statistics() == recording.counts


@BOTH
def test_one_lost_update_is_one_gap_and_the_book_never_lies_about_it(recording: Recording) -> None:
    venue, oracle, updates = VenueBook(L2Book()), QuoteOracle(), 0
    for message in Binance(recorded(recording.name)):
        match message:
            case Quote():
                oracle.quote(message)
            case DepthUpdate() | DepthSnapshot():
                updates += 1
                if updates == 1_000:
                    continue
                for last_id, seq in venue.apply(message):
                    oracle.reached(last_id, seq)
                    oracle.observe(seq, venue.book.bids(1)[0], venue.book.asks(1)[0])
    assert venue.statistics().gaps == 1
    assert venue.needs_snapshot
    points, equal, *_ = oracle.statistics()
    assert 0 < points == equal < recording.points


@BOTH
def test_a_file_cut_in_the_middle_gives_what_is_whole_and_names_the_record(
    recording: Recording, tmp_path: Path
) -> None:
    whole = recorded(recording.name)
    content = whole.read_bytes()
    cut = tmp_path / whole.name
    cut.write_bytes(content[: len(content) // 2])
    given = list[object]()
    with pytest.raises(SourceError, match="is cut or damaged") as caught:
        given.extend(message for _, chunk in Binance(cut).chunks(10**6) for message in chunk)
    assert f"{cut}: record {len(given) + 1} " in str(caught.value)
    assert len(given) > recording.counts.records // 3
    assert all(mine == theirs for mine, theirs in zip(given, Binance(whole), strict=False))


def test_a_coarser_grid_is_refused_by_the_record_that_is_off_it() -> None:
    # two orders of 2024 still rest at a lot that is no longer allowed
    source = Binance(recorded(SPOT.name), Instrument("ETHUSDT", "0.01", "0.0001"))
    with pytest.raises(GridError, match=r"record 12336: the quantity is off the grid.*2292\.22972000"):
        list(source)
