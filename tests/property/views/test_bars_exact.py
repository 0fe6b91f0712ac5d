"""Every scale of the bars is what a plain loop makes of all bars, however they came and whichever changed."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bars_oracle import joined, random_bars
from support.random_market import SECOND

from rtlab.views.bars import Bars


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 32), st.lists(st.integers(0, 300), max_size=6), st.data())
def test_scales_are_those_of_a_plain_loop(seed: int, cuts: list[int], data: st.DataObject) -> None:
    rows, bars = random_bars(300, seed=seed, holes=data.draw(st.booleans())), Bars(SECOND)
    held: dict[int, np.ndarray] = {}
    ends = sorted({0, *cuts, 300})
    for start, end in itertools.pairwise(ends):
        again = data.draw(st.lists(st.integers(0, end - 1), max_size=5))
        changed = rows[again]
        changed[:, 4:] += 7
        news = np.random.default_rng(seed).permutation(np.concatenate([rows[start:end], changed]))
        bars.update(news)
        for row in news:
            held[int(row[0])] = row
        every = np.array([held[at] for at in sorted(held)])
        for scale, interval in enumerate(bars.intervals):
            assert np.array_equal(bars.rows(scale), joined(every, interval))
