"""A short language for order flow: what is said to an engine, and what it tells.

buy 1 5@100                 NEW bid, order 1, 5 lots at 100
sell 2 3@market ioc         NEW ask, 3 lots, MARKET, IOC
buy 3 5@100 post by=7 on=1  post-only, owner 7, second instrument
cancel 1                    CANCEL
replace 1 4@101             REPLACE
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from rtlab.model import COMMAND, CommandKind, EventKind, Flag, OrderType, Reason, Side, TimeInForce

RowArray = npt.NDArray[np.void]
WORDS = {
    "ioc": ("tif", TimeInForce.IOC),
    "fok": ("tif", TimeInForce.FOK),
    "gtd": ("tif", TimeInForce.GTD),
    "post": ("flags", Flag.POST_ONLY),
}
KINDS = {"cancel": CommandKind.CANCEL, "replace": CommandKind.REPLACE}
NAMES = {"by": "owner", "on": "instrument"}


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
            row[name] = int(code)
    for name, number in fields.items():
        row[name] = number
    return row


def commands(*texts: str) -> RowArray:
    """Give COMMAND rows, whose ts are 10, 20, 30 ..."""
    rows = np.concatenate([command(text) for text in texts]) if texts else np.zeros(0, COMMAND)
    rows["ts"] = 10 * np.arange(1, len(rows) + 1)
    return rows


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
    return f"{event['order_id']} {side} {kind.name.lower()} {at}"
