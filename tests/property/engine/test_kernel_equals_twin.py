"""The kernel and its plain twin give the same bytes, however the commands are cut into batches."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_rows import instruments, random_rows

from rtlab.engine import COMMAND, EVENT, Engine, SelfTradePrevention
from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SPAN
from rtlab.engine.reference import ReferenceEngine

RowArray = npt.NDArray[np.void]

PRICES = st.one_of(
    st.integers(95, 105),
    st.sampled_from(
        [0, 1, 4095, 4096, 100 + SPAN - 1, 100 + SPAN, MAX_PRICE, MAX_PRICE + 1, -1, (1 << 63) - 1]
    ),
)
QUANTITIES = st.one_of(
    st.integers(1, 9), st.sampled_from([0, -1, MAX_QTY, MAX_QTY - 1, MAX_QTY + 1, -(1 << 63)])
)
COMMANDS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([1, 1, 1, 1, 2, 3, 3, 0, 200]),
        "instrument": st.sampled_from([0, 0, 0, 1, 2]),
        "order_id": st.integers(-2, 8),
        "owner": st.integers(0, 2),
        "side": st.sampled_from([0, 1, 0, 1, 0, 1, 2]),
        "order_type": st.sampled_from([0, 0, 0, 0, 1, 2]),
        "tif": st.sampled_from([0, 0, 0, 0, 1, 2, 3]),
        "flags": st.sampled_from([0, 0, 0, 1, 2]),
        "price": PRICES,
        "qty": QUANTITIES,
        "ts": st.integers(-(1 << 63), (1 << 63) - 1),
        "stop_price": st.sampled_from([0] * 20 + [1]),
    }
)


def as_rows(commands: list[dict[str, int]]) -> RowArray:
    rows = np.zeros(len(commands), COMMAND)
    for at, command in enumerate(commands):
        for name, number in command.items():
            rows[name][at] = number
    return rows


def in_batches(engine: Engine | ReferenceEngine, rows: RowArray, cuts: list[int]) -> RowArray:
    parts = np.split(rows, sorted(cut % (len(rows) + 1) for cut in cuts))
    return np.concatenate([np.zeros(0, EVENT), *(engine.process(part) for part in parts)])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(COMMANDS, max_size=60),
    st.sampled_from(SelfTradePrevention),
    st.lists(st.integers(0, 60), max_size=4),
    st.integers(1, 3),
)
def test_any_commands_give_the_same_bytes_in_any_batches(
    commands: list[dict[str, int]], prevention: SelfTradePrevention, cuts: list[int], capacity: int
) -> None:
    rows = as_rows(commands)
    kernel = Engine(instruments(2), self_trade_prevention=prevention, capacity=capacity)
    twin = ReferenceEngine(instruments(2), self_trade_prevention=prevention)
    assert in_batches(kernel, rows, cuts).tobytes() == twin.process(rows).tobytes()
    for symbol in ("I0", "I1"):
        assert kernel.book(symbol) == twin.book(symbol)


@pytest.mark.parametrize("prevention", SelfTradePrevention)
@pytest.mark.parametrize("scatter", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("malformed", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_long_random_flows_give_the_same_bytes(
    seed: int, malformed: float, scatter: float, prevention: SelfTradePrevention
) -> None:
    rng = np.random.default_rng([seed, prevention])
    rows = random_rows(
        rng,
        2200,
        symbols=int(rng.integers(1, 5)),
        ids=int(rng.integers(4, 600)),
        prices=int(rng.integers(2, 60)),
        scatter=scatter,
        malformed=malformed,
    )
    kernel = Engine(instruments(3), self_trade_prevention=prevention, capacity=1)
    twin = ReferenceEngine(instruments(3), self_trade_prevention=prevention)
    cuts = rng.integers(0, 2200, int(rng.integers(0, 30))).tolist()
    assert in_batches(kernel, rows, cuts).tobytes() == in_batches(twin, rows, []).tobytes()
    for instrument in instruments(3):
        assert kernel.book(instrument.symbol) == twin.book(instrument.symbol)


@pytest.mark.parametrize("seed", range(3))
def test_a_deep_and_wide_book_that_drifts_gives_the_same_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 4000, symbols=2, ids=2000, prices=300)
    rows["price"] += (np.arange(4000) ** 2) // 60 + 10_000 * rows["instrument"]
    kernel, twin = Engine(instruments(2), capacity=1), ReferenceEngine(instruments(2))
    assert kernel.process(rows).tobytes() == twin.process(rows).tobytes()
    grown = kernel.statistics()
    assert grown.pool_grown > 3
    assert grown.ladders_grown + grown.ladders_moved > 3
