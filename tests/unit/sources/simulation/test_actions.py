import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from rtlab.model import COMMAND, CommandKind, Flag, OrderType, TimeInForce
from rtlab.sources.simulation.actions import cancel, fresh_price, may_lose, quote, replace, trade
from rtlab.sources.simulation.generate import generate
from rtlab.sources.simulation.layout import LEAST, ONE, OPENING, Memory
from rtlab.sources.simulation.memory import make_memory

QUOTE, CANCEL, REPLACE, TRADE = range(4)


@njit  # type: ignore[untyped-decorator]
def act(memory, command, action, half, front, informed):
    command.order_type, command.tif, command.flags = 0, 0, 0
    if action == QUOTE:
        quote(memory, command, half)
    elif action == CANCEL:
        cancel(memory, command, half, front)
    elif action == REPLACE:
        replace(memory, command, half, front)
    else:
        trade(memory, command, half, informed)


@njit  # type: ignore[untyped-decorator]
def fresh_prices(memory, half, prices):
    for index in range(len(prices)):
        prices[index] = fresh_price(memory, half)


@njit  # type: ignore[untyped-decorator]
def loses(memory, half):
    return may_lose(memory, half)


@pytest.fixture
def memory() -> Memory:
    opened = make_memory([20_000], rate=1, seed=1, start=0)
    generate(opened, np.zeros(2 * OPENING, COMMAND), 0)
    return opened


def do(memory: Memory, action: int, half: int, *, front: int = 0, informed: bool = True) -> np.void:
    commands = np.zeros(1, COMMAND)
    act(memory, commands[0], action, half, front, informed)
    return commands[0]


def half(memory: Memory, number: int) -> tuple[int, int, int]:
    row = np.asarray(memory.halves)[number]
    return int(row["best"]), int(row["qty"]), int(row["live"])


def prices_of(memory: Memory, number: int, count: int = 5_000) -> NDArray[np.int64]:
    prices = np.zeros(count, np.int64)
    fresh_prices(memory, number, prices)
    return prices


@pytest.mark.parametrize("shift", [-40, -3, 0, 3, 40])
def test_a_fresh_quote_never_trades_wherever_the_worth_has_gone(memory: Memory, shift: int) -> None:
    np.asarray(memory.markets)["fair"] += shift * ONE
    best_bid, best_ask = half(memory, 0)[0], half(memory, 1)[0]
    assert prices_of(memory, 0).max() < best_ask
    assert prices_of(memory, 1).min() > best_bid


def test_fresh_quotes_stand_around_the_worth(memory: Memory) -> None:
    fair = int(np.asarray(memory.markets)["fair"][0]) / ONE
    bids, asks = prices_of(memory, 0), prices_of(memory, 1)
    assert fair - 2 < np.percentile(bids, 90) < fair < np.percentile(asks, 10) < fair + 2
    assert np.median(fair - bids) == pytest.approx(np.median(asks - fair), abs=1)


def test_a_quote_rests_under_the_next_id(memory: Memory) -> None:
    before = half(memory, 0)
    command = do(memory, QUOTE, 0)
    after = half(memory, 0)
    assert command["kind"] == CommandKind.NEW
    assert (command["order_type"], command["tif"]) == (OrderType.LIMIT, TimeInForce.GTC)
    assert command["order_id"] == 2 * OPENING + 1
    assert (command["instrument"], command["side"]) == (0, 0)
    assert after[1:] == (before[1] + command["qty"], before[2] + 1)
    flags = {int(do(memory, QUOTE, 1)["flags"]) for _ in range(8)}
    assert flags == {0, int(Flag.POST_ONLY)}


@pytest.mark.parametrize("number", [0, 1])
def test_a_cancellation_takes_a_resting_order_out(memory: Memory, number: int) -> None:
    ids = set()
    for _ in range(OPENING - 1):
        command = do(memory, CANCEL, number)
        assert (command["kind"], command["side"]) == (CommandKind.CANCEL, number)
        ids.add(int(command["order_id"]))
    assert len(ids) == OPENING - 1
    assert half(memory, number)[2] == 1


def test_a_cancellation_in_front_takes_the_newest_at_the_best_price(memory: Memory) -> None:
    best = half(memory, 0)[0]
    for _ in range(3):
        do(memory, CANCEL, 0, front=ONE)
    assert half(memory, 0)[0] == best - 1


def test_a_replacement_lowers_in_place_or_moves_without_trading(memory: Memory) -> None:
    lowered = moved = 0
    for _ in range(400):
        before, other = half(memory, 1), half(memory, 0)
        command = do(memory, REPLACE, 1)
        after = half(memory, 1)
        assert command["kind"] == CommandKind.REPLACE
        assert command["qty"] > 0
        assert command["price"] > other[0]
        assert after[2] == before[2]
        assert half(memory, 0) == other
        lowered += after[1] < before[1]
        moved += after[1] == before[1]
    assert lowered > 50
    assert moved > 150


def test_takers_come_in_every_style_and_leave_most_of_the_book(memory: Memory) -> None:
    styles = set()
    for _ in range(60):
        before = half(memory, 1)
        command = do(memory, TRADE, 1)
        after = half(memory, 1)
        assert command["side"] == 0
        assert 0 < command["qty"] <= max(1, before[1] // 8)
        assert before[1] - command["qty"] <= after[1] < before[1]
        styles.add((int(command["order_type"]), int(command["tif"])))
        for _ in range(5):
            do(memory, QUOTE, 1)
    assert styles == {
        (OrderType.MARKET, TimeInForce.IOC),
        (OrderType.LIMIT, TimeInForce.IOC),
        (OrderType.LIMIT, TimeInForce.GTC),
    }


def test_a_trade_moves_the_worth_unless_who_made_it_was_informed(memory: Memory) -> None:
    markets = np.asarray(memory.markets)
    markets["swing"] = ONE
    fair = int(markets["fair"][0])
    do(memory, TRADE, 1, informed=True)
    assert markets["fair"][0] == fair
    markets["last"] = -1
    do(memory, TRADE, 1, informed=False)
    surprised = int(markets["fair"][0]) - fair
    do(memory, TRADE, 1, informed=False)
    assert surprised > int(markets["fair"][0]) - fair - surprised > 0
    fair = int(markets["fair"][0])
    do(memory, TRADE, 0, informed=False)
    assert markets["fair"][0] < fair


def test_a_thin_half_may_not_lose(memory: Memory) -> None:
    assert loses(memory, 0)
    while half(memory, 0)[2] > LEAST:
        do(memory, CANCEL, 0)
    assert not loses(memory, 0)
