"""The engine's benchmark: every contender has its row, and one that errs has no number."""

from pathlib import Path

import pytest

from rtlab.cli.bench.engine import PEER, Size, measure

SMALL = Size(runs=2, compiled=2_000, plain=300)
KEYS = {"name", "contender", "case", "unit", "runs", "median", "min", "max"}
RIGHT = """
from rtlab.engine import Side
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import CancelOrder, NewOrder, Trade
from rtlab.sources.simulated import demo_instruments


class Order:
    def __init__(self, order_id):
        self.order_id = order_id


class Half:
    def __init__(self, qty):
        self.trade_qty = qty


class LightMatchingEngine:
    def __init__(self):
        self.twin, self.orders = ReferenceEngine(demo_instruments()[:1]), 0
        self.symbol = demo_instruments()[0].symbol

    def add_order(self, instrument, price, qty, side):
        self.orders += 1
        order = NewOrder(
            instrument=self.symbol, order_id=self.orders, side=Side(side - 1), price=price, qty=qty
        )
        told = self.twin.submit(order)
        trades = [Half(event.qty) for event in told if isinstance(event, Trade)]
        return Order(self.orders), 2 * trades

    def cancel_order(self, order_id, instrument):
        self.twin.submit(CancelOrder(instrument=self.symbol, order_id=order_id))
"""
WRONG = """
class Order:
    order_id = 1


class LightMatchingEngine:
    def add_order(self, instrument, price, qty, side):
        return Order(), []

    def cancel_order(self, order_id, instrument):
        pass
"""


def install(folder: Path, source: str) -> None:
    (folder / PEER).mkdir()
    (folder / PEER / "__init__.py").touch()
    (folder / PEER / f"{PEER}.py").write_text(source)
    about = folder / f"{PEER}-7.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PEER}\nVersion: 7.0\n")


def rows_of_peer() -> list[dict[str, object]]:
    return [row for row in measure(SMALL) if str(row["contender"]).startswith(PEER)]


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (PEER, f"{PEER}.{PEER}"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_every_row_has_the_keys_of_a_result_and_its_numbers_are_in_order() -> None:
    rows = measure(SMALL)
    assert {row["contender"] for row in rows} >= {"rtlab", "reference twin"}
    for row in rows:
        assert row.keys() - {"reason"} == KEYS
        if row["median"] is None:
            assert row["reason"]
        else:
            assert row["runs"] == SMALL.runs
            assert 0 < float(str(row["min"])) <= float(str(row["median"])) <= float(str(row["max"]))


def test_peer_that_is_not_installed_is_a_row_with_its_reason() -> None:
    (row,) = rows_of_peer()
    if row["median"] is None:
        assert row["reason"] == f"not installed: pip install {PEER}"
    else:
        assert row["contender"] != PEER, "an installed peer is named with its version"


def test_peer_that_trades_the_same_lots_is_measured(peer: Path) -> None:
    install(peer, RIGHT)
    (row,) = rows_of_peer()
    assert row["contender"] == f"{PEER} 7.0"
    assert row["runs"] == SMALL.runs
    assert float(str(row["median"])) > 0


def test_peer_that_trades_otherwise_gets_no_number(peer: Path) -> None:
    install(peer, WRONG)
    (row,) = rows_of_peer()
    assert row["median"] is None
    assert str(row["reason"]).startswith("traded 0 lots where ")
