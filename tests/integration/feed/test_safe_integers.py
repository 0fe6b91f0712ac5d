"""What the server tells in JSON is exact in a language whose only number is a double, but for what WIRE.md names."""

import json
from collections.abc import Iterator
from typing import Any

from support.live_market import LiveMarket
from support.waiting import until

from rtlab.book.update import WHOLE
from rtlab.client import connect

SAFE = 2**53 - 1
TIMES = {"ts_event", "server_time"}
FIRST_IS_TIME = {"trades", "bars"}


def integers(node: Any, name: str = "") -> Iterator[int]:
    """Give every integer of a payload that is no time; keys of objects are text."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in TIMES:
                yield from integers(value, key)
    elif isinstance(node, list):
        for row in node:
            yield from integers(row[1:] if name in FIRST_IS_TIME and isinstance(row, list) else row)
    elif type(node) is int:
        yield node


async def test_all_but_times_are_safe_also_with_an_epoch_of_ms_and_after_many_subscriptions():
    payloads: list[Any] = []
    async with LiveMarket(seed=5, epoch=1_900_000_000_000) as live:
        client = connect(live.gateway.url, codec="json")
        client.on_payload(lambda payload: payloads.append(json.loads(payload)))
        async with client:
            for name, interval in (("book", 0), ("trades", 0), ("ticker", 0), ("bars", 10**9)):
                client.subscribe(name, "BTC-USD", interval_ns=interval)
            for _ in range(20):
                client.unsubscribe(await client.ready(client.subscribe("book", "ETH-USD", depth=5)))
            whole = client.subscribe("book", "ETH-USD")
            for _ in range(50):
                live.step(20)
            await live.caught_up(whole)
            await until(lambda: "Ping" in json.dumps(payloads))
    found = list(integers(payloads))
    assert len(found) > 500
    assert max(found) <= SAFE
    assert {"Welcome", "Subscribed", "Snapshot", "Trades", "Ticker", "Bars", "Ping"} <= {
        one["type"] for payload in payloads for one in payload.get("messages", [payload])
    }
    assert WHOLE in found  # the depth of a whole book: large, and safe
    assert max(found) > 2**32  # keys carry how often was unsubscribed: large, and safe
