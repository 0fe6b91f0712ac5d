"""A recorded session as a report: its analytics, reduced to what a page shows, and what is missing of it."""

from collections.abc import Mapping

import numpy as np

from rtlab.book import Market
from rtlab.lab.analysed import Analyst, bring_on, digest
from rtlab.lab.session import RecordedSession
from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.digits import Digits
from rtlab.views.pyramid import milliseconds
from rtlab.views.report import Note, Part, Report, Series
from rtlab.views.report.html import moment

SECOND = 1_000_000_000
CANDLES = 150  # at most as many in a figure
INTERVALS_S = (1, 2, 5, 10, 15, 30, 60, 300, 900, 1800, 3600, 14_400, 86_400)
_NOTHING = Series(np.zeros(0), np.zeros(0))


def report_of(session: RecordedSession, *, title: str = "") -> Report:
    """Replay a session as fast as it can be read, and tell what was in it; `title` by default names its folder."""
    instruments = list(session.instruments.values())
    market, analyst = Market(instruments, 1), Analyst(instruments)
    market.on_step = analyst.on_step
    steps = bring_on(market, session.moves())
    results = analyst.finish()
    parts = [_part(one, results[one.symbol], market) for one in instruments]
    facts = {
        "from (UTC)": moment(session.start),
        "to (UTC)": moment(session.end),
        "length": _length(session.end - session.start),
        "instruments": ", ".join(session.instruments),
        "steps": f"{steps:,}",
        "trades": f"{sum(market.state(one.symbol).tape.seq for one in instruments):,}",
    }
    notes = [Note(one.ts, one.text, one.symbol, one.by) for one in session.notes]
    named = title or f"Session {session.folder.resolve().name}"
    return Report(named, facts, _gaps(session), notes, parts, digest(results))


def interval_for(span_ns: int) -> int:
    """Give the interval (ns) of which at most CANDLES make a span; the longest there is for a longer one."""
    for seconds in INTERVALS_S:
        if span_ns <= CANDLES * seconds * SECOND:
            return seconds * SECOND
    return INTERVALS_S[-1] * SECOND


def coarser(bars: Frame, interval_ns: int) -> Frame:
    """Give bars of a longer interval that is a multiple of theirs, made of them."""
    start = bars["start"] // interval_ns * interval_ns
    first = np.flatnonzero(np.append(True, start[1:] != start[:-1]))
    last = np.append(first[1:], len(start)) - 1
    columns = {
        "start": start[first],
        "open": bars["open"][first],
        "high": np.maximum.reduceat(bars["high"], first),
        "low": np.minimum.reduceat(bars["low"], first),
        "close": bars["close"][last],
        "volume": np.add.reduceat(bars["volume"], first),
    }
    return Frame("bars", bars.instrument, columns, "start")


def _part(instrument: Instrument, outputs: Mapping[str, Frame], market: Market) -> Part:
    state, bars = market.state(instrument.symbol), outputs.get("bars")
    interval = SECOND
    if bars is not None and bars.rows:
        interval = interval_for(int(bars["start"][-1] - bars["start"][0]) + SECOND)
        bars = coarser(bars, interval)
    price = _series(outputs.get("trades"), "price")
    return Part(
        instrument,
        _facts(instrument, outputs, market),
        price,
        bars,
        interval,
        _series(outputs.get("spread"), "ticks"),
        _series(outputs.get("order flow imbalance"), "imbalance"),
        state.book.bids(),
        state.book.asks(),
    )


def _series(frame: Frame | None, name: str) -> Series:
    if frame is None or not frame.rows:
        return _NOTHING
    x = np.maximum.accumulate(milliseconds(frame["ts"]))
    y = np.asarray(frame[name], np.float64)
    return Series(x, y)


def _facts(instrument: Instrument, outputs: Mapping[str, Frame], market: Market) -> dict[str, str]:
    prices, lots = Digits(instrument.tick_size), Digits(instrument.lot_size)
    bars, state, spread = outputs.get("bars"), market.state(instrument.symbol), outputs.get("spread")
    facts = {"level changes": f"{state.book.seq:,}", "trades": f"{state.tape.seq:,}"}
    if bars is not None and bars.rows:
        first, last = (
            instrument.ticks(f"{bars[name][at]:.12g}") for name, at in (("open", 0), ("close", -1))
        )
        low, high = (instrument.ticks(f"{one:.12g}") for one in (bars["low"].min(), bars["high"].max()))
        change = (last - first) / first * 100 if first else 0.0
        bought, sold = state.tape.totals.bought, state.tape.totals.sold
        facts |= {
            "first and last price": f"{prices(first)} → {prices(last)} ({change:+.3f} %)",
            "low and high": f"{prices(low)} – {prices(high)}",
            "bought / sold by takers": f"{lots(bought)} / {lots(sold)}",
            "VWAP": f"{bars['notional'].sum() / bars['volume'].sum():,.{prices.decimals + 2}f}",
        }
    if spread is not None and (ticks := spread["ticks"][spread["ticks"] > 0]).size:
        middle, high = np.percentile(ticks, [50, 95])
        facts["spread, median and p95"] = f"{middle:g} and {high:g} ticks"
    return facts


def _gaps(session: RecordedSession) -> list[str]:
    found = []
    for symbol in session.instruments:
        for gap in session.store.manifest(symbol).gaps[1:]:  # the first is where the record begins
            lost = gap.after.position - gap.before.position
            rows = f"{lost:,} rows" if gap.after.epoch == gap.before.epoch else "a new epoch began"
            found.append(f"{symbol}, after {moment(gap.before.ts)}: {rows} ({gap.reason})")
    return found


def _length(ns: int) -> str:
    seconds = ns / 1e9
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
