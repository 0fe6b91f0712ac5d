"""Run one Python matching engine of the package index over a recorded flow: a script for its own environment.

    python rival.py NAME ROWS.npy

ROWS.npy holds columns (is cancel, order id, side, price, lots). One JSON object is printed: messages a second, lots
that were traded (null where the engine does not tell), and the quantity that rests on both sides at the end.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

Message = tuple[int, int, int, int, int]
Outcome = tuple[float | None, float | None, float | None]


def lightmatchingengine(messages: list[Message]) -> tuple[float, Outcome]:
    """Plain Python; each trade is told to both sides."""
    engine = import_module("lightmatchingengine.lightmatchingengine").LightMatchingEngine()
    ids: dict[int, int] = {}
    traded = 0
    began = time.perf_counter()
    for is_cancel, order_id, side, price, qty in messages:
        if is_cancel:
            engine.cancel_order(ids[order_id], "I")
        else:
            order, trades = engine.add_order("I", price, qty, side + 1)
            ids[order_id] = order.order_id
            traded += sum(trade.trade_qty for trade in trades)
    return time.perf_counter() - began, (traded / 2, None, None)


def litebook(messages: list[Message]) -> tuple[float, Outcome]:
    """Rust beneath Python."""
    module: Any = import_module("litebook")
    book = module.OrderBook(tick_size=1.0)
    sides = (module.OrderType.Buy, module.OrderType.Sell)
    ids: dict[int, str] = {}
    traded = 0.0
    began = time.perf_counter()
    for is_cancel, order_id, side, price, qty in messages:
        if is_cancel:
            book.cancel(ids[order_id])
        else:
            order = book.create_order(sides[side], price=float(price), quantity=float(qty))
            ids[order_id] = order.id
            traded += sum(fill.quantity for fill in book.add(order))
    return time.perf_counter() - began, (traded, None, None)


def limit_order_book(messages: list[Message]) -> tuple[float, Outcome]:
    """C++ beneath ctypes; it tells no trades, so what rests at the end is compared."""
    book = import_module("limit_order_book").LimitOrderBook()
    began = time.perf_counter()
    for is_cancel, order_id, side, price, qty in messages:
        if is_cancel:
            book.cancel(order_id)
        elif side == 0:
            book.limit_buy(order_id, qty, price)
        else:
            book.limit_sell(order_id, qty, price)
    return time.perf_counter() - began, (None, book.volume_buy(), book.volume_sell())


def order_matching(messages: list[Message]) -> tuple[float, Outcome]:
    """Plain Python over dataclasses."""
    engine = import_module("order_matching.matching_engine").MatchingEngine(seed=1)
    orders, order = import_module("order_matching.orders").Orders, import_module("order_matching.order")
    enums = import_module("order_matching.enums")
    import_module("loguru").logger.remove()
    sides, now = (enums.Side.BUY, enums.Side.SELL), datetime(2026, 1, 1)
    traded = 0.0
    began = time.perf_counter()
    for is_cancel, order_id, side, price, qty in messages:
        if is_cancel:
            engine.cancel_order(str(order_id))
        else:
            fields = {"timestamp": now, "order_id": str(order_id), "trader_id": "x"}
            new = order.LimitOrder(side=sides[side], price=float(price), size=float(qty), **fields)
            engine.place(orders([new]))
            traded += sum(trade.size for trade in engine.match(timestamp=now).trades)
    return time.perf_counter() - began, (traded, None, None)


RIVALS: dict[str, Callable[[list[Message]], tuple[float, Outcome]]] = {
    "lightmatchingengine": lightmatchingengine,
    "litebook": litebook,
    "limit-order-book": limit_order_book,
    "order-matching": order_matching,
}


def main(name: str, path: str) -> str:
    """Give the JSON of one run."""
    numpy: Any = import_module("numpy")
    messages = [tuple(row) for row in numpy.load(path).tolist()]
    seconds, (traded, bids, asks) = RIVALS[name](messages)
    return json.dumps({"rate": len(messages) / seconds, "traded": traded, "bids": bids, "asks": asks})


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
