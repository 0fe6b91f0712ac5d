"""Every field of every event, as the kernel writes it."""

import numpy as np
from support.play import commands
from support.random_rows import instruments

from rtlab.engine import EVENT, Engine, EventKind, Reason, Side

NAMES = EVENT.names or ()


def events(*texts: str) -> list[dict[str, int]]:
    """Give what the last of the texts made, field by field."""
    asked = commands(*texts)
    asked["ts"] = 10 * np.arange(1, len(asked) + 1)
    rows = Engine(instruments(3)).process(asked)
    last = rows[rows["command"] == rows["command"][-1]]
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in last]


def event(seq: int, command: int, kind: EventKind, **fields: int) -> dict[str, int]:
    common = dict.fromkeys(NAMES, 0) | {"instrument": 2, "ts": 10 * (command + 1)}
    return common | {"seq": seq, "command": command, "kind": kind} | fields


def test_accepted_and_level() -> None:
    assert events("sell 7 5@100 on=2") == [
        event(1, 0, EventKind.ACCEPTED, order_id=7, price=100, qty=5, remaining=5, side=Side.ASK),
        event(2, 0, EventKind.LEVEL, price=100, qty=5, remaining=1, side=Side.ASK),
    ]


def test_trade_and_done_of_maker_and_taker() -> None:
    assert events("sell 7 5@100 on=2", "buy 8 6@101 ioc on=2") == [
        event(3, 1, EventKind.ACCEPTED, order_id=8, price=101, qty=6, remaining=6),
        event(4, 1, EventKind.TRADE, order_id=8, maker_id=7, price=100, qty=5, remaining=0),
        event(5, 1, EventKind.DONE, order_id=7, price=100, side=Side.ASK, reason=Reason.FILLED),
        event(6, 1, EventKind.LEVEL, price=100, side=Side.ASK),
        event(7, 1, EventKind.DONE, order_id=8, price=101, remaining=1, reason=Reason.IOC),
    ]


def test_trade_that_leaves_a_rest_of_the_maker() -> None:
    assert events("buy 7 5@100 on=2", "sell 8 3@100 on=2")[1:3] == [
        event(4, 1, EventKind.TRADE, order_id=8, maker_id=7, price=100, qty=3, remaining=2, side=Side.ASK),
        event(5, 1, EventKind.LEVEL, price=100, qty=2, remaining=1),
    ]


def test_replaced() -> None:
    assert events("buy 7 5@100 on=2", "replace 7 9@101 on=2") == [
        event(3, 1, EventKind.REPLACED, order_id=7, price=101, qty=9, remaining=9),
        event(4, 1, EventKind.LEVEL, price=100),
        event(5, 1, EventKind.LEVEL, price=101, qty=9, remaining=1),
    ]


def test_cancelled() -> None:
    assert events("buy 7 5@100 on=2", "cancel 7 on=2") == [
        event(3, 1, EventKind.DONE, order_id=7, price=100, remaining=5, reason=Reason.CANCELLED),
        event(4, 1, EventKind.LEVEL, price=100),
    ]


def test_rejected() -> None:
    assert events("buy 7 5@100 on=2", "replace 9 4@101 on=2") == [
        event(3, 1, EventKind.REJECTED, order_id=9, price=101, qty=4, reason=Reason.UNKNOWN_ORDER),
    ]


def test_ids_and_times_keep_all_their_64_bits() -> None:
    rows = commands("buy 1 1@1", "sell 2 1@1")
    rows["order_id"] = [-(1 << 63), (1 << 63) - 1]
    rows["ts"] = [1, (1 << 63) - 1]
    told = Engine(instruments(1)).process(rows)
    trade = told[told["kind"] == EventKind.TRADE][0]
    assert (trade["order_id"], trade["maker_id"]) == ((1 << 63) - 1, -(1 << 63))
    assert told["ts"].min() == 1
    assert told["ts"].max() == np.iinfo(np.int64).max
