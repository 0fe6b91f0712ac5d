"""Books of the past, rebuilt at every moment at which the venue itself told its best prices."""

import os
import time
from pathlib import Path

from rtlab.book import Market
from rtlab.cli.bench.store.recording import folder
from rtlab.model import DepthSnapshot, DepthUpdate, VenueTrade
from rtlab.sources import Binance
from rtlab.store import Store
from rtlab.store.cold.columns import Stand, StepRows
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter

RECORDED = {
    "BTC": "binance/usdm_btcusdt_20240808.gz",
    "ETH": "binance/spot_ethusdt_20240808.gz",
}
_ROLL_MESSAGES = 9_000


def books_at(name: str, most: int) -> list[float] | str:
    """Give how long each of `most` books took (ms), evenly over a recording; the reason where there is none."""
    path = Path(os.environ.get("RTLAB_DATA", "../shared/data")) / RECORDED[name]
    if not path.exists():
        return f"no recorded data at {path} (set RTLAB_DATA)"
    source = Binance(path)
    with folder() as place:
        seqs = _keep(place, source)
        with Store(place) as store:
            chosen = seqs[:: max(1, len(seqs) // most)][:most]
            return [_time(store, source.symbol, seq) for seq in chosen]


def _time(store: Store, symbol: str, seq: int) -> float:
    began = time.perf_counter()
    store.book(symbol, at=(1, seq))
    return 1e3 * (time.perf_counter() - began)


def _keep(place: Path, source: Binance) -> list[int]:
    """Record the messages, a file for each `_ROLL_MESSAGES`; give where the venue's updates ended."""
    market, seqs = Market(source.instruments, 1), []
    with ColdWriter(LocalPlace(place), place, source.instrument) as writer:
        writer.begin(Stand(1), Levels.empty(), "start")
        rows = StepRows(Stand(1))
        market.on_step = lambda state, step: rows.add(step)
        for number, message in enumerate(source, 1):
            if isinstance(message, DepthUpdate | DepthSnapshot):
                seqs += [seq for _, seq in market.apply_depth(message.instrument, message)]
            elif isinstance(message, VenueTrade):
                market.apply_trade(message)
            if number % _ROLL_MESSAGES == 0 and len(rows):
                writer.append(rows.take(), rows.stand)
                writer.roll()
        if len(rows):
            writer.append(rows.take(), rows.stand)
    return seqs
