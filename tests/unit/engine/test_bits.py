"""The tree of live ticks against a plain set."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from rtlab.engine.bits import clear_tick, highest_bit, lowest_bit, next_above, next_below, set_tick
from rtlab.engine.layout import LADDER
from rtlab.engine.storage import leaves_at

SET, CLEAR, ABOVE, BELOW = range(4)


@njit  # not kept: a kept probe would not see a changed part
def play(bits, ladders, actions, answers):  # type: ignore[no-untyped-def]
    ladder = ladders[0]
    for at in range(len(actions)):
        action, tick = actions[at, 0], actions[at, 1]
        if action == SET:
            set_tick(bits, ladder, tick)
        elif action == CLEAR:
            clear_tick(bits, ladder, tick)
        elif action == ABOVE:
            answers[at] = next_above(bits, ladder, tick)
        else:
            answers[at] = next_below(bits, ladder, tick)


@njit  # not kept: a kept probe would not see a changed part
def lowest_and_highest(word):  # type: ignore[no-untyped-def]
    return lowest_bit(word), highest_bit(word)


def answers_of(actions: list[tuple[int, int]], size: int, offset: int = 0) -> list[int]:
    ladder = np.zeros(1, LADDER)
    ladder["leaves_at"], ladder["bits_at"] = leaves_at(size), offset
    words = offset + ((leaves_at(size) + size - 2) >> 6) + 1
    bits = np.zeros(words, np.int64)
    answers = np.zeros(len(actions), np.int64)
    play(bits, ladder, np.array(actions, np.int64).reshape(-1, 2), answers)
    assert not bits[:offset].any()
    return answers.tolist()


def expected_of(actions: list[tuple[int, int]]) -> list[int]:
    live: set[int] = set()
    answers = []
    for action, tick in actions:
        answer = 0
        if action == SET:
            live.add(tick)
        elif action == CLEAR:
            live.discard(tick)
        elif action == ABOVE:
            answer = min((other for other in live if other > tick), default=-1)
        else:
            answer = max((other for other in live if other < tick), default=-1)
        answers.append(answer)
    return answers


def valid(actions: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leave out what a ladder never does: set a live tick, clear an empty one."""
    live: set[int] = set()
    kept = []
    for action, tick in actions:
        if (action == SET and tick in live) or (action == CLEAR and tick not in live):
            continue
        if action in (SET, CLEAR):
            live ^= {tick}
        kept.append((action, tick))
    return kept


@pytest.mark.parametrize("bit", range(64))
def test_lowest_and_highest_bit_of_a_word(bit: int) -> None:
    word = np.uint64(1 << bit).astype(np.int64)
    assert lowest_and_highest(word) == (bit, bit)
    both = np.int64(1) | word
    assert lowest_and_highest(both) == (0, bit)
    assert lowest_and_highest(word | np.int64(-(1 << 63))) == (bit, 63)


@pytest.mark.parametrize("size", [1 << 12, 1 << 13, 1 << 18, 1 << 19, 1 << 25])
def test_edges_of_words_and_of_the_window_are_found(size: int) -> None:
    edges = sorted(
        {0, 1, 62, 63, 64, 65, 127, 128, 4095, size // 2 - 1, size // 2, size - 65, size - 64, size - 1}
    )
    edges = [tick for tick in edges if tick < size]
    actions = [(SET, tick) for tick in edges]
    actions += [(direction, tick) for tick in edges for direction in (ABOVE, BELOW)]
    answers = answers_of(actions, size, offset=5)[len(edges) :]
    assert answers[0::2] == [*edges[1:], -1]
    assert answers[1::2] == [-1, *edges[:-1]]


@pytest.mark.parametrize("size", [1 << 12, 1 << 25])
def test_a_cleared_tree_is_empty(size: int) -> None:
    ticks = [0, 63, 64, size - 1]
    actions = [(SET, tick) for tick in ticks] + [(CLEAR, tick) for tick in ticks]
    assert answers_of([*actions, (ABOVE, 0), (BELOW, size - 1)], size)[-2:] == [-1, -1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4095)), max_size=120))
def test_any_sequence_answers_as_a_set_does(actions: list[tuple[int, int]]) -> None:
    actions = valid(actions)
    assert answers_of(actions, 1 << 12) == expected_of(actions)


@pytest.mark.parametrize("seed", range(10))
def test_long_random_sequences_answer_as_a_set_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 1 << int(rng.integers(12, 20))
    ticks = rng.integers(0, size, 80)
    picked: npt.NDArray[np.int64] = np.stack([rng.integers(0, 4, 3000), rng.choice(ticks, 3000)], axis=1)
    actions = valid([(int(action), int(tick)) for action, tick in picked])
    assert answers_of(actions, size, offset=int(rng.integers(0, 100))) == expected_of(actions)
