"""Levels, best prices and slots after any flow: checked link by link in the kernel's own memory."""

import numpy as np
import pytest
from support.play import commands
from support.random_rows import random_rows

from rtlab.engine import EVENT, SelfTradePrevention
from rtlab.engine.layout import LADDERS, NONE_ABOVE, NONE_BELOW
from rtlab.engine.storage import Storage
from rtlab.model import Rules


def execute(storage: Storage, rows: np.ndarray) -> None:
    storage.lend(rows, np.empty(64, EVENT))
    storage.run(len(rows))


def queue_of(storage: Storage, level: int) -> list[int]:
    """Give the slots of a queue from head to tail, and check that the way back is the same."""
    row, orders = storage.levels[level], storage.orders
    slots, slot, before = [], int(row["head"]), 0
    while slot != 0:
        assert orders["prev"][slot] == before
        assert orders["level"][slot] == level
        slots.append(slot)
        before, slot = slot, int(orders["next"][slot])
    assert row["tail"] == before
    return slots


def free_slots(storage: Storage, first: str, rows: np.ndarray, link: str) -> list[int]:
    slots, slot = [], int(storage.state[first][0])
    while slot != 0:
        slots.append(slot)
        slot = int(rows[link][slot])
    return slots


def check_memory(storage: Storage) -> None:
    state, orders, levels = storage.state[0], storage.orders, storage.levels
    live = []
    for level in storage.live_levels():
        slots = queue_of(storage, int(level))
        live += slots
        assert len(slots) == levels["count"][level]
        assert orders["qty"][slots].sum() == levels["qty"][level]
        assert (orders["qty"][slots] > 0).all()
        assert (orders["instrument"][slots] == levels["ladder"][level] // LADDERS).all()
        ladder = storage.ladders[levels["ladder"][level]]
        assert storage.rungs[ladder["rungs_at"] + levels["price"][level] - ladder["base"]] == level
    assert np.count_nonzero(storage.rungs) == len(storage.live_levels())
    assert len(live) == state["live"] == np.count_nonzero(storage.ids) + np.count_nonzero(storage.past)
    assert sorted(live + free_slots(storage, "free_order", orders, "next")) == list(
        range(1, state["used_orders"] + 1)
    )
    closed = free_slots(storage, "free_level", levels, "head")
    assert sorted([*storage.live_levels().tolist(), *closed]) == list(range(1, state["used_levels"] + 1))
    for at, ladder in enumerate(storage.ladders):
        mine = levels[storage.live_levels(at)]
        prices = mine["price"]
        assert ladder["best"] == (
            prices.min(initial=NONE_ABOVE) if at % 2 else prices.max(initial=NONE_BELOW)
        )
        assert ladder["total"] == mine["total"].sum()
        if at % LADDERS == 0:
            assert ladder["best"] < storage.ladders["best"][at + 1]


@pytest.mark.parametrize("prevention", SelfTradePrevention)
@pytest.mark.parametrize("seed", range(4))
def test_memory_is_consistent_after_every_batch(seed: int, prevention: SelfTradePrevention) -> None:
    rng = np.random.default_rng(seed)
    storage = Storage([Rules()] * 3, 2, prevention)
    rows = random_rows(rng, 1200, scatter=0.05, malformed=0.02)
    for batch in np.array_split(rows, 40):
        execute(storage, batch)
        check_memory(storage)
    assert storage.state["live"][0] > 0


def test_an_emptied_book_gives_every_slot_back() -> None:
    storage = Storage([Rules()], 4, 0)
    execute(storage, commands(*(f"buy {at} 1@{100 + at % 7}" for at in range(100))))
    check_memory(storage)
    execute(storage, commands("sell 1000 100@0 ioc"))
    check_memory(storage)
    assert storage.state["live"][0] == 0
    assert storage.ladders["best"][0] == NONE_BELOW
    assert not storage.bits.any()
    assert not storage.rungs.any()


def test_slots_are_used_again_before_the_pool_grows() -> None:
    storage = Storage([Rules()], 4, 0)
    for at in range(50):
        execute(storage, commands(f"buy {at} 1@{100 + at}", f"cancel {at}"))
    assert storage.state["used_orders"][0] == 1
    assert storage.state["used_levels"][0] == 1
    assert storage.pool_grown == 0
