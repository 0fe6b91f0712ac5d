"""A short language for order flow: what is said to an engine, and what it tells.

buy 1 5@100                 NEW bid, order 1, 5 lots at 100
sell 2 3@market ioc         NEW ask, 3 lots, MARKET, IOC
buy 3 5@100 post by=7 on=1  post-only, owner 7, second instrument
buy 4 9@100 show=3          an iceberg; also hidden, whole (all or none), least=2, link=5, day, gtd until=9
sell 5 5@market stop=95     a stop, with a price a stop-limit; trail=3 makes it trailing, bps its distance
cancel 1                    CANCEL
replace 1 4@101             REPLACE
sweep 0 by=7 everyone       MASS_CANCEL; also everywhere, both
phase 0 to=2                PHASE
wait 0 at=50                TIME
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from rtlab.model import COMMAND, CommandKind, EventKind, Flag, OrderType, Phase, Reason, Side, TimeInForce

RowArray = npt.NDArray[np.void]
WORDS = {
    "ioc": ("tif", TimeInForce.IOC),
    "fok": ("tif", TimeInForce.FOK),
    "gtd": ("tif", TimeInForce.GTD),
    "day": ("tif", TimeInForce.DAY),
    "post": ("flags", Flag.POST_ONLY),
    "slide": ("flags", Flag.POST_ONLY | Flag.SLIDE),
    "hidden": ("flags", Flag.HIDDEN),
    "whole": ("flags", Flag.ALL_OR_NONE),
    "budget": ("flags", Flag.BUDGET),
    "bps": ("flags", Flag.BASIS_POINTS),
    "everywhere": ("flags", Flag.ALL_INSTRUMENTS),
    "both": ("flags", Flag.BOTH_SIDES),
    "everyone": ("flags", Flag.ALL_OWNERS),
    "check": ("flags", Flag.CHECK_FUNDS),
}
KINDS = {
    "cancel": CommandKind.CANCEL,
    "replace": CommandKind.REPLACE,
    "sweep": CommandKind.MASS_CANCEL,
    "phase": CommandKind.PHASE,
    "deposit": CommandKind.DEPOSIT,
    "limits": CommandKind.LIMITS,
    "kill": CommandKind.KILL,
    "revive": CommandKind.REVIVE,
    "wait": CommandKind.TIME,
}
NAMES = {
    "by": "owner",
    "on": "instrument",
    "at": "ts",
    "until": "expire_ts",
    "show": "display_qty",
    "least": "min_qty",
    "link": "link_id",
    "stop": "stop_price",
    "to": "phase",
}


class Executes(Protocol):
    def process(self, rows: RowArray) -> RowArray: ...


def command(text: str, **fields: int) -> RowArray:
    """Give one COMMAND row; `fields` overwrite what the text says."""
    verb, order_id, *rest = text.split()
    row = np.zeros(1, COMMAND)
    row["kind"] = KINDS.get(verb, CommandKind.NEW)
    row["side"] = Side.ASK if verb == "sell" else Side.BID
    row["order_id"] = int(order_id)
    for word in rest:
        if "@" in word:
            qty, price = word.split("@")
            row["qty"] = int(qty)
            if price == "market":
                row["order_type"] = OrderType.MARKET
            else:
                row["price"] = int(price)
        elif "=" in word:
            name, number = word.split("=")
            row[NAMES.get(name, name)] = int(number)
        else:
            name, code = WORDS[word]
            row[name] |= int(code)
    if row["kind"] == CommandKind.NEW and (row["stop_price"] or row["trail"]):
        first = OrderType.TRAILING_STOP if row["trail"] else OrderType.STOP
        row["order_type"] = first + (row["order_type"] == OrderType.LIMIT)
    for name, number in fields.items():
        row[name] = number
    return row


def commands(*texts: str) -> RowArray:
    """Give COMMAND rows."""
    return np.concatenate([command(text) for text in texts]) if texts else np.zeros(0, COMMAND)


def told(events: RowArray) -> list[str]:
    """Give events as sentences."""
    return [_sentence(event) for event in events]


def play(engine: Executes, *texts: str) -> list[str]:
    """Execute the texts and give what the engine told of the last one."""
    events = engine.process(commands(*texts))
    return told(events[events["command"] == events["command"][-1]]) if len(events) else []


def _sentence(event: np.void) -> str:
    kind, side = EventKind(event["kind"]), Side(event["side"] & 1).name.lower()
    at = f"{event['qty']}@{event['price']}"
    if kind == EventKind.LEVEL:
        return f"{side} level {at} in {event['remaining']}"
    if kind == EventKind.TRADE:
        return f"{event['order_id']} {side} took {at} of {event['maker_id']}, {event['remaining']} left"
    if kind == EventKind.DONE:
        reason = Reason(event["reason"]).name
        return f"{event['order_id']} {side} done {reason} @{event['price']}, {event['remaining']} left"
    if kind == EventKind.REJECTED:
        return f"{event['order_id']} rejected {Reason(event['reason']).name}"
    if kind == EventKind.PHASE:
        reason = f" {Reason(event['reason']).name}" if event["reason"] else ""
        return f"phase {Phase(event['remaining']).name} {at}{reason}"
    if kind == EventKind.INDICATIVE:
        return f"indicative {at}, {event['remaining']} over"
    if kind == EventKind.MASS_CANCELLED:
        return f"swept {event['qty']} of {event['order_id']}"
    if kind == EventKind.ACCOUNT:
        return f"account {event['order_id']} has {event['price']} and {event['qty']} lots"
    if kind == EventKind.TIME:
        return "time"
    if kind == EventKind.REFILLED:
        return f"{event['order_id']} {side} refilled {at} of {event['remaining']}"
    return f"{event['order_id']} {side} {kind.name.lower()} {at}"
