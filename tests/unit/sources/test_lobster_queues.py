import numpy as np
import pytest

from rtlab.engine.reference import ReferenceEngine
from rtlab.model import COMMAND, CommandKind, Flag, Instrument, OrderType, Side, TimeInForce
from rtlab.sources.lobster_queues import SEEDS, CommandRow, Queues

FIELDS = COMMAND.names or ()


def named(command: CommandRow) -> dict[str, int]:
    return dict(zip(FIELDS, command, strict=True))


@pytest.fixture
def queues() -> Queues:
    return Queues()


def test_an_order_rests_at_the_back(queues: Queues) -> None:
    command = named(queues.add(9, 1, Side.BID, 100, 5))
    assert command["ts"] == 9
    assert command["kind"] == CommandKind.NEW
    assert (command["order_id"], command["side"], command["price"], command["qty"]) == (1, Side.BID, 100, 5)
    assert (command["order_type"], command["tif"], command["flags"]) == (OrderType.LIMIT, TimeInForce.GTC, 0)
    queues.add(9, 2, Side.BID, 100, 3)
    assert queues.total(Side.BID, 100) == 8
    assert queues.total(Side.ASK, 100) == queues.total(Side.BID, 99) == 0
    assert queues.open_qty(Side.BID, 100, 2) == 3
    assert queues.open_qty(Side.BID, 99, 2) == 0


def test_a_seed_has_an_id_of_its_own_and_never_trades(queues: Queues) -> None:
    first, second = (named(queues.seed(1, Side.ASK, (101, 7))) for _ in range(2))
    assert SEEDS < first["order_id"] < second["order_id"]
    assert first["flags"] == Flag.POST_ONLY


def test_a_reduction_is_a_replace_until_nothing_is_left(queues: Queues) -> None:
    queues.add(1, 1, Side.BID, 100, 5)
    command = named(queues.reduce(2, 1, Side.BID, 100, 2))
    assert (command["kind"], command["qty"], command["price"]) == (CommandKind.REPLACE, 3, 100)
    command = named(queues.reduce(3, 1, Side.BID, 100, 3))
    assert command["kind"] == CommandKind.CANCEL
    assert queues.total(Side.BID, 100) == 0


def test_only_seeds_give_for_what_is_not_known(queues: Queues) -> None:
    queues.seed(1, Side.BID, (100, 5))
    queues.add(1, 1, Side.BID, 100, 9)
    queues.seed(1, Side.BID, (100, 4))
    commands = [named(command) for command in queues.reduce_seeds(2, Side.BID, 100, 7)]
    assert [c["kind"] for c in commands] == [CommandKind.CANCEL, CommandKind.REPLACE]
    assert commands[1]["qty"] == 2
    assert queues.total(Side.BID, 100) == 11
    assert queues.reduce_seeds(2, Side.ASK, 100, 7) == []


def test_an_execution_is_an_ioc_from_the_other_side(queues: Queues) -> None:
    queues.add(1, 1, Side.BID, 100, 5)
    queues.add(1, 2, Side.BID, 100, 5)
    command = named(queues.execute(2, 77, Side.BID, 100, 7))
    assert (command["order_id"], command["side"], command["price"], command["qty"]) == (77, Side.ASK, 100, 7)
    assert command["tif"] == TimeInForce.IOC
    assert queues.open_qty(Side.BID, 100, 1) == 0
    assert queues.open_qty(Side.BID, 100, 2) == 3


@pytest.mark.parametrize(("side", "gone"), [(Side.BID, {101, 102}), (Side.ASK, {100, 101})])
def test_clearing_takes_a_price_and_all_better_ones(queues: Queues, side: Side, gone: set[int]) -> None:
    for order_id, price in enumerate((100, 101, 102)):
        queues.add(1, order_id, side, price, 1)
    cancels, ids = queues.clear(2, side, 101)
    assert {price for price in (100, 101, 102) if not queues.total(side, price)} == gone
    assert sorted(ids) == sorted(named(command)["order_id"] for command in cancels)
    assert {named(command)["kind"] for command in cancels} == {CommandKind.CANCEL}
    assert len(queues.clear(3, side, None)[1]) == 1


def test_the_engine_agrees_about_everything_that_rests() -> None:
    rng, queues = np.random.default_rng(5), Queues()
    engine = ReferenceEngine([Instrument("X", "1", "1")])
    live: list[tuple[Side, int, int]] = []
    for number in range(1, 1_500):
        side = Side(int(rng.integers(2)))
        price, qty = (
            int(100 - rng.integers(4) if side is Side.BID else 101 + rng.integers(4)),
            int(rng.integers(1, 9)),
        )
        best = [max((p for s, p, _ in live if s is Side.BID), default=None), None]
        best[1] = min((p for s, p, _ in live if s is Side.ASK), default=None)
        match rng.integers(5):
            case 0 | 1:
                commands = [queues.add(number, number, side, price, qty)]
                live.append((side, price, number))
            case 2 if live:
                side, price, order_id = live[rng.integers(len(live))]
                commands = [queues.reduce(number, order_id, side, price, qty)]
            case 3 if best[side] is not None:
                commands = [queues.execute(number, 10_000 + number, side, best[side], qty)]
            case _:
                commands = [
                    queues.seed(number, side, (price, qty)),
                    *queues.reduce_seeds(number, side, price, qty),
                ]
        engine.process(np.array(commands, COMMAND))
        live = [(s, p, i) for s, p, i in live if queues.open_qty(s, p, i)]
        for side, levels in zip(Side, engine.book("X"), strict=True):
            prices = range(97, 105)
            assert dict(levels) == {p: q for p in prices if (q := queues.total(side, p))}
