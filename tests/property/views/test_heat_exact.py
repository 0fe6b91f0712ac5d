"""A browser that writes what it is sent holds the picture of the history, whatever the market does and it asks."""

from base64 import b64decode

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.model import Instrument
from rtlab.views.depth_history import DepthHistory, to_bytes, to_lots
from rtlab.views.heat_window import HeatWindow, Look, encode

BTC = Instrument("BTC-USD", "0.1", "0.001")


def decoded(before: np.ndarray, columns: int, changes: bytes) -> np.ndarray:
    """What heat.js makes of changes, the plain way."""
    current, made = before.copy(), []
    counts = np.frombuffer(changes[: 2 * columns], "<u2").tolist()
    rows, values = changes[2 * columns :][: sum(counts)], changes[2 * columns + sum(counts) :]
    at = 0
    for count in counts:
        for k in range(at, at + count):
            current[rows[k]] = values[k]
        at += count
        made.append(current.copy())
    return np.array(made, np.uint8).reshape(columns, len(before))


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 256), st.integers(0, 40), st.integers(0, 1 << 32), st.integers(1, 255))
def test_columns_are_what_their_changes_make_of_the_one_before(rows, columns, seed, kinds):
    random = np.random.default_rng(seed)
    before = random.integers(0, kinds + 1, rows).astype(np.uint8)
    after = random.integers(0, kinds + 1, (columns, rows)).astype(np.uint8)
    changes = encode(before, after)
    assert np.array_equal(decoded(before, columns, changes), after)
    changed = np.count_nonzero(np.diff(np.vstack([before, after]), axis=0)) if columns else 0
    assert len(changes) == 2 * columns + 2 * changed


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 1 << 32),
    st.integers(0, 8),
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(-40, 40)), min_size=1, max_size=60),
)
def test_what_was_sent_is_the_picture(seed, scale, factor, moves):
    random = np.random.default_rng(seed)
    history = DepthHistory(BTC, interval_ns=10, columns=64)
    window, look = HeatWindow(history), Look(view=0, scale=scale, columns=30, rows=50, factor=factor)
    window.take(look)
    screen: dict[int, np.ndarray] = {}
    current, base, now, middle = np.zeros(50, np.uint8), 0, 1_000_000, 5_000
    for step, jump in moves:
        now, middle = now + step, middle + jump
        sides = [
            [(middle + way * k, int(random.integers(1, 500))) for k in range(1, int(random.integers(1, 9)))]
            for way in (-1, 1)
        ]
        history.append(now, *sides)
        part = window.news()
        if part is None:
            continue
        if part.whole:
            screen, current, base = {}, np.zeros(50, np.uint8), part.base
        columns = decoded(current, part.columns, b64decode(part.changes))
        current = columns[-1]
        screen |= {part.first + i: column for i, column in enumerate(columns)}
    newest = history.extent(scale)[1]
    seen = history.picture(scale, newest - 29, 30, base, 50, factor)
    assert np.array_equal(np.array([screen[c] for c in range(newest - 29, newest + 1)]), seen.cells)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 1 << 31))
def test_a_byte_is_within_half_a_step_of_what_it_stands_for(lots):
    known = float(to_lots(to_bytes(np.array([lots])))[0])
    assert (1 + lots) / 2 ** (1 / 16) * (1 - 1e-9) <= 1 + known <= (1 + lots) * 2 ** (1 / 16) * (1 + 1e-9)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 1 << 31), min_size=2, max_size=50))
def test_more_lots_never_have_a_smaller_byte(lots):
    ordered = np.sort(np.array(lots))
    cells = to_bytes(ordered).astype(int)
    assert (np.diff(cells) >= 0).all()
    assert np.array_equal(cells == 0, ordered == 0)
