"""Every analytic as a node, told by the streams it takes, and what comes out of it as bytes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from support.frames import BTC, quotes, trades

from rtlab.model import Instrument
from rtlab.pipelines import Frame, depth_frame
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, root

ETH = Instrument("ETH-USD", "0.01", "0.0001")


class Spec(NamedTuple):
    """A node: the channels of its streams, and how it is made of them."""

    legs: tuple[str, ...]
    build: Callable[..., FrameStream]


def _on(channel: str, name: str, *arguments: object, **settings: object) -> Spec:
    def build(stream: FrameStream, state: bytes | None = None) -> FrameStream:
        return getattr(stream, name)(*arguments, state=state, **settings)

    return Spec((channel,), build)


NODES: dict[str, Spec] = {
    "bars": _on("trades", "bars", "7ns"),
    "tick_bars": _on("trades", "tick_bars", 5),
    "volume_bars": _on("trades", "volume_bars", 900_000),
    "notional_bars": _on("trades", "notional_bars", 10**12),
    "vwap": _on("trades", "vwap"),
    "vwap in windows": _on("trades", "vwap", "50ns"),
    "twap": _on("trades", "twap"),
    "twap in windows": _on("trades", "twap", "50ns"),
    "trade_sign": _on("trades", "trade_sign"),
    "trade_sign by tick": _on("trades", "trade_sign", "tick"),
    "ema": _on("trades", "ema", 5),
    "rsi": _on("trades", "rsi", 5),
    "bollinger": _on("trades", "bollinger", 5),
    "anomalies": _on("trades", "anomalies", 1.5, 4),
    "realized_volatility": _on("trades", "realized_volatility"),
    "realized_volatility in windows": _on("trades", "realized_volatility", "50ns"),
    "in_order": _on("trades", "in_order", "30ns"),
    "stale": _on("trades", "stale", "20ns"),
    "order_flow_imbalance": _on("ticker", "order_flow_imbalance", "50ns"),
    "spread": _on("ticker", "spread"),
    "midprice": _on("ticker", "midprice"),
    "microprice": _on("ticker", "microprice"),
    "book_pressure": _on("depth", "book_pressure", 0.5),
    "depth_profile": _on("depth", "depth_profile", [1, 5, 1000]),
    "asof": Spec(("trades", "ticker"), lambda t, q, state=None: t.asof(q, state=state)),
    "basket": Spec(("trades", "trades"), lambda a, b, state=None: a.basket([b], state=state)),
    "correlation": Spec(
        ("trades", "trades", "trades"),
        lambda a, b, c, state=None: a.correlation([b, c], "10ns", 4, state=state),
    ),
}


def frame(channel: str, rows: np.ndarray, first_seq: int, leg: int = 0) -> Frame:
    """Make a frame of rows of six or more integers: time, two prices, two quantities, a side."""
    instrument = BTC if leg == 0 or channel == "ticker" else ETH
    if channel == "trades":
        return trades(rows[:, [0, 1, 3, 5]], first_seq, instrument)
    best = np.stack(
        [
            rows[:, 0],
            first_seq + np.arange(len(rows)),
            *rows[:, [1, 3]].T,
            rows[:, 1] + rows[:, 2],
            rows[:, 4],
        ],
        axis=1,
    )
    if channel == "ticker":
        return quotes(best, instrument)
    deeper = np.stack([best[:, 2] - 3, rows[:, 4], best[:, 4] + 2, rows[:, 3]], axis=1)
    return depth_frame(instrument, np.concatenate([best, deeper], axis=1), 2)


class Running:
    """A node with its roots; `feed` pushes a frame into a leg, `out` is what came."""

    def __init__(self, spec: Spec, state: bytes | None = None) -> None:
        self.roots = [root(channel, channel, OwnersLoop()) for channel in spec.legs]
        self.node = spec.build(*self.roots, state=state)
        self.out: list[Frame] = []
        self.node.sink(self.out.append)

    def feed(self, leg: int, given: Frame) -> None:
        self.roots[leg]._emit(given)
        assert all(getattr(below, "errors", 0) == 0 for below in (*self.roots, self.node))


def told(frames: list[Frame]) -> dict[str, bytes]:
    """Give all rows that came as bytes by column; of a table, the last version of each row."""
    if not frames:
        return {}
    columns = {name: np.concatenate([one[name] for one in frames]) for name in frames[0].columns}
    key = frames[0].key
    if key is not None:
        _, from_end = np.unique(columns[key][::-1], return_index=True)
        last = len(columns[key]) - 1 - from_end
        columns = {name: column[last] for name, column in columns.items()}
    return {name: _bytes(column) for name, column in columns.items()}


def _bytes(column: np.ndarray) -> bytes:
    return repr(column.tolist()).encode() if column.dtype == object else column.tobytes()
