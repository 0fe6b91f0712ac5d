import json
from pathlib import Path

import numpy as np
import pytest

from rtlab.cli.bench import rival

LITEBOOK = """
class OrderType:
    Buy, Sell = "buy", "sell"

class Order:
    def __init__(self, number):
        self.id = str(number)

class Fill:
    quantity = 2.5

class OrderBook:
    def __init__(self, tick_size):
        self.orders, self.cancelled = 0, []

    def create_order(self, side, price, quantity):
        self.orders += 1
        return Order(self.orders)

    def add(self, order):
        return [Fill()] if order.id == "2" else []

    def cancel(self, order_id):
        assert order_id == "1"
"""


def test_a_rival_is_given_every_message_and_its_trades_are_summed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "litebook.py").write_text(LITEBOOK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "litebook", raising=False)
    rows = np.array([[0, 71, 0, 100, 5], [0, 72, 1, 100, 3], [1, 71, 0, 0, 0]])
    np.save(tmp_path / "rows.npy", rows)
    told = json.loads(rival.main("litebook", str(tmp_path / "rows.npy")))
    assert told["traded"] == 2.5
    assert told["bids"] is None
    assert told["rate"] > 0
