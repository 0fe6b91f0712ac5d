"""The id map against a dictionary."""

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from rtlab.engine import ids
from rtlab.engine.layout import ORDER, STATE, TAKER
from rtlab.engine.memory import memory_of, state_at

FIND, INSERT, REMOVE = range(3)
Ints = npt.NDArray[np.int64]


@njit  # not kept: a kept probe would not see a changed part
def play(address, orders, actions, answers):  # type: ignore[no-untyped-def]
    memory = memory_of(state_at(address))
    for at in range(len(actions)):
        action, instrument, order_id, slot = actions[at, 0], actions[at, 1], actions[at, 2], actions[at, 3]
        if action == INSERT:
            orders[slot].id = order_id
            orders[slot].instrument = instrument
            ids.insert(memory, slot)
        elif action == REMOVE:
            ids.remove(memory, slot)
        answers[at] = ids.find(memory, instrument, order_id)


@njit  # not kept: a kept probe would not see a changed part
def hashes(instrument, order_ids, found):  # type: ignore[no-untyped-def]
    for at in range(len(order_ids)):
        found[at] = ids.hash_of(instrument, order_ids[at])


class Map:
    def __init__(self, bits: int, orders: int = 0) -> None:
        self.state = np.zeros(1, STATE)
        self.state["ids_shift"] = ids.HASH_BITS - bits
        self.taker = np.zeros(1, TAKER)
        self.orders = np.zeros(max(orders, (1 << bits) // 2) + 1, ORDER)
        self.ids, self.past = np.zeros(1 << bits, np.int64), np.zeros(0, np.int64)
        self.bind()

    def bind(self) -> None:
        for name in ("taker", "orders", "ids", "past"):
            array = getattr(self, name)
            self.state[f"{name}_at"], self.state[name] = array.ctypes.data, len(array)

    def double(self) -> None:
        assert self.state["past"][0] == 0, "all must have moved before the next map is full"
        self.past, self.state["past_shift"] = self.ids, self.state["ids_shift"]
        self.state["past_first"], self.state["moved"] = np.flatnonzero(self.ids == 0)[0], 0
        self.ids = np.zeros(2 * len(self.ids), np.int64)
        self.state["ids_shift"] -= 1
        self.bind()

    def homes(self, name: str) -> Ints:
        """Give the homes in the past map of what is in one of the maps, counted from where moving began."""
        entries = getattr(self, name)
        homes = (entries[entries != 0] >> 32) >> self.state["past_shift"][0]
        return (homes - self.state["past_first"][0]) & (self.state["past"][0] - 1)  # type: ignore[no-any-return]

    def answers(self, actions: list[tuple[int, int, int, int]]) -> list[int]:
        answers = np.zeros(len(actions), np.int64)
        rows = np.array(actions, np.int64).reshape(-1, 4)
        play(self.state.ctypes.data, self.orders, rows, answers)
        return answers.tolist()


def random_actions(
    rng: np.random.Generator, keys: list[tuple[int, int]], slots: int, count: int
) -> tuple[list[tuple[int, int, int, int]], list[int]]:
    live: dict[tuple[int, int], int] = {}
    free = list(range(1, slots + 1))
    actions, expected = [], []
    for _ in range(count):
        key = keys[rng.integers(len(keys))]
        choice = rng.integers(3)
        if choice == INSERT and key not in live and free:
            live[key] = free.pop()
            actions.append((INSERT, *key, live[key]))
        elif choice == REMOVE and key in live:
            slot = live.pop(key)
            free.append(slot)
            actions.append((REMOVE, *key, slot))
        else:
            actions.append((FIND, *key, 0))
        expected.append(live.get(key, 0))
    return actions, expected


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_answers_as_a_dictionary_does(bits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    slots = (1 << bits) // 2
    keys = [(int(rng.integers(0, 3)), int(rng.integers(-(1 << 63), (1 << 63) - 1))) for _ in range(3 * slots)]
    actions, expected = random_actions(rng, keys, slots, 2000)
    assert Map(bits).answers(actions) == expected


def crowded(bits: int, count: int) -> list[tuple[int, int]]:
    """Give keys whose homes are the last and the first places of a map: what does not fit goes over its end."""
    order_ids = np.arange(40 * count, dtype=np.int64)
    found = np.zeros(len(order_ids), np.int64)
    hashes(0, order_ids, found)
    homes = found >> (ids.HASH_BITS - bits)
    near = order_ids[(homes >= (1 << bits) - 3) | (homes <= 1)]
    return [(0, int(order_id)) for order_id in near[:count]]


@pytest.mark.parametrize("crowds", [True, False])
@pytest.mark.parametrize("bits", [1, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_a_map_that_a_larger_one_follows_answers_as_a_dictionary_does(
    seed: int, bits: int, crowds: bool
) -> None:
    rng = np.random.default_rng([seed, bits])
    keys = crowded(6, 600) if crowds else [(int(rng.integers(3)), at) for at in range(600)]
    mapped, live, free = Map(bits, orders=600), dict[tuple[int, int], int](), list(range(1, 601))
    moving = 0
    for step in range(2_500):
        key = keys[rng.integers(len(keys))]
        if key in live and rng.random() < 0.3:
            free.append(slot := live.pop(key))
            action = (REMOVE, *key, slot)
        elif key not in live and free:
            live[key] = free.pop()
            if 2 * len(live) > len(mapped.ids):
                mapped.double()
            action = (INSERT, *key, live[key])
        else:
            action = (FIND, *key, 0)
        other = keys[rng.integers(len(keys))]
        expected = [live.get(key, 0), live.get(other, 0)]
        assert mapped.answers([action, (FIND, *other, 0)]) == expected, step
        if mapped.state["past"][0]:
            moving += 1
            assert np.count_nonzero(mapped.ids) + np.count_nonzero(mapped.past) == len(live)
            assert mapped.homes("ids").max(initial=0) < mapped.state["moved"][0]
            assert mapped.homes("past").min(initial=len(mapped.past)) >= mapped.state["moved"][0]
    assert len(mapped.ids) >= 512
    assert moving > 20
    assert [mapped.answers([(FIND, *key, 0)])[0] for key in keys] == [live.get(key, 0) for key in keys]


def test_a_new_map_is_touched_from_one_end_to_the_other() -> None:
    rng = np.random.default_rng(3)
    order_ids = rng.integers(0, 1 << 62, 2 * 1024)
    mapped = Map(11, orders=len(order_ids))
    actions = [(INSERT, 0, int(order_id), slot) for slot, order_id in enumerate(order_ids.tolist(), 1)]
    mapped.answers(actions[:1024])
    mapped.double()
    moved = 0
    for action in actions[1024:]:
        mapped.answers([action])
        if not mapped.state["past"][0]:
            break
        step, moved = int(mapped.state["moved"][0]) - moved, int(mapped.state["moved"][0])
        assert ids.STRIDE <= step < ids.STRIDE + 50, "some places, up to an empty one"
        touched = (np.flatnonzero(mapped.ids) - 2 * mapped.state["past_first"][0]) & (len(mapped.ids) - 1)
        assert touched.max(initial=0) < 2 * moved + 50
    assert mapped.state["past"][0] == 0, "all of it has moved"


def test_gap_closes_over_the_end_of_the_array() -> None:
    # among many small full maps some cluster wraps around
    for seed in range(200):
        rng = np.random.default_rng(seed)
        keys = [(0, int(at)) for at in rng.integers(0, 1000, 12)]
        actions, expected = random_actions(rng, keys, 4, 60)
        assert Map(3).answers(actions) == expected


def test_an_emptied_map_is_all_zeros_again() -> None:
    mapped = Map(6)
    slots = range(1, 33)
    mapped.answers([(INSERT, 0, 17 * slot, slot) for slot in slots])
    assert np.count_nonzero(mapped.ids) == 32
    mapped.answers([(REMOVE, 0, 17 * slot, slot) for slot in reversed(slots)])
    assert not mapped.ids.any()


def test_same_id_on_two_instruments_are_two_orders() -> None:
    mapped = Map(4)
    assert mapped.answers([(INSERT, 0, 5, 1), (INSERT, 1, 5, 2), (FIND, 0, 5, 0), (FIND, 2, 5, 0)]) == [
        1,
        2,
        1,
        0,
    ]


@pytest.mark.parametrize("stride", [1, 2, 64, 1000, 1 << 20, 1 << 32, 1 << 40, 3 << 50])
def test_regular_ids_spread_over_the_map(stride: int) -> None:
    count = min(4096, (1 << 62) // stride)
    order_ids: Ints = np.arange(count, dtype=np.int64) * stride
    found = np.zeros(count, np.int64)
    hashes(0, order_ids, found)
    assert found.min() >= 0
    assert found.max() < 1 << ids.HASH_BITS
    homes = found >> (ids.HASH_BITS - 13)
    # 4,096 balls into 8,192 boxes at random leave 2.5 in the fullest tenth; a poor hash leaves hundreds
    assert np.bincount(homes).max() <= 16


@njit  # not kept: a kept probe would not see a changed part
def hashes_of_instruments(instruments, order_id, found):  # type: ignore[no-untyped-def]
    for at in range(len(found)):
        found[at] = ids.hash_of(instruments[at], order_id)


def same_hash(keys: Ints, found: Ints) -> tuple[int, int]:
    order = np.argsort(found)
    at = int(np.flatnonzero(np.diff(found[order]) == 0)[0])
    return int(keys[order[at]]), int(keys[order[at + 1]])


def test_orders_whose_hashes_are_wholly_equal_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    found = np.zeros(300_000, np.int64)
    keys = np.unique(rng.integers(0, 1 << 62, len(found)))
    hashes(0, keys, found)
    one, other = same_hash(keys, found)
    actions = [(INSERT, 0, one, 1), (FIND, 0, other, 0), (INSERT, 0, other, 2), (FIND, 0, one, 0)]
    assert Map(4).answers(actions) == [1, 0, 2, 1]
    keys = np.unique(rng.integers(0, 1 << 30, len(found)))
    found = np.zeros(len(keys), np.int64)
    hashes_of_instruments(keys, 5, found)
    one, other = same_hash(keys, found)
    actions = [(INSERT, one, 5, 1), (FIND, other, 5, 0), (INSERT, other, 5, 2), (FIND, one, 5, 0)]
    assert Map(4).answers(actions) == [1, 0, 2, 1]
