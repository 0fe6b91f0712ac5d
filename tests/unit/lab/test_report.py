import numpy as np
import pandas as pd
import pytest
from support.session import session, with_hole

from rtlab.lab.analysed import analysed, digest
from rtlab.lab.report import SECOND, coarser, interval_for, report_of
from rtlab.lab.session import RecordedSession
from rtlab.model import Instrument
from rtlab.pipelines import Frame

BTC = Instrument("BTC-USD", "0.01", "0.001")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "friday"
    folder.mkdir()
    was = session(folder)
    with RecordedSession(folder) as one:
        one.note("half way", (one.start + one.end) // 2, symbol="BTC-USD")
        trades = one.store.read("trades", "BTC-USD").to_pandas()
        yield was, trades, report_of(one), digest(analysed(one)), folder


def test_it_tells_what_was_in_the_session(made):
    was, trades, report, wanted, _ = made
    assert report.title == "Session friday"
    assert report.facts["trades"] == f"{len(trades):,}"
    assert report.facts["instruments"] == "BTC-USD"
    assert report.digest == wanted
    assert [note.text for note in report.notes] == ["half way"]
    assert report.gaps == []
    assert report.parts[0].facts["level changes"] == f"{len(was.book):,}"


def test_its_numbers_are_those_of_the_stored_trades(made):
    was, trades, report, _, _ = made
    part, price = report.parts[0], trades.price * 0.01
    np.testing.assert_allclose(part.price.y, price)
    assert part.facts["low and high"] == f"{price.min():.2f} – {price.max():.2f}"
    vwap = (price * trades.qty).sum() / trades.qty.sum()
    assert part.facts["VWAP"] == f"{vwap:,.4f}"
    bought, sold = (trades.qty[trades.side == side].sum() / 1000 for side in (0, 1))
    assert part.facts["bought / sold by takers"] == f"{bought:,.3f} / {sold:,.3f}"
    assert (part.bids, part.asks) == was.books[len(was.book)]
    assert part.bars["volume"].sum() == pytest.approx(trades.qty.sum() / 1000)


def test_what_is_missing_is_named_with_its_reason(tmp_path):
    with_hole(tmp_path, session(tmp_path), known=True)
    with RecordedSession(tmp_path) as one:
        report = report_of(one, title="Mine")
    assert report.title == "Mine"
    assert len(report.gaps) == 1
    assert report.gaps[0].startswith("BTC-USD, after 2023-11-14 22:13:26")
    assert report.gaps[0].endswith("rows (ten steps were missed)")


@pytest.mark.parametrize(
    ("span_s", "wanted_s"), [(1, 1), (150, 1), (151, 2), (3600, 30), (86_400, 900), (10**9, 86_400)]
)
def test_candles_are_as_long_as_there_is_room_for(span_s, wanted_s):
    assert interval_for(span_s * SECOND) == wanted_s * SECOND


def test_coarser_bars_are_those_of_pandas():
    random = np.random.default_rng(3)
    start = np.sort(random.choice(1000, 300, replace=False)) * SECOND
    columns = {name: random.random(300) for name in ("open", "close", "volume")}
    columns |= {"start": start, "high": random.random(300) + 1, "low": random.random(300) - 1}
    few = coarser(Frame("bars", BTC, columns, "start"), 7 * SECOND)
    table = pd.DataFrame(columns).groupby(start // (7 * SECOND) * (7 * SECOND))
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    wanted = table.agg(how)
    assert few["start"].tolist() == wanted.index.tolist()
    for name in how:
        np.testing.assert_allclose(few[name], wanted[name])
