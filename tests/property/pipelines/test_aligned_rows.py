"""Whatever comes on which leg: each row goes out once, in order, waits, or is counted; and a saved aligner goes on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtlab.pipelines.analytics.align import Aligner

steps = st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 50), max_size=6)), max_size=20)


def numbered(script: list[tuple[int, list[int]]]) -> list[tuple[int, np.ndarray]]:
    found, number = [], 0
    for leg, times in script:
        rows = np.array([(ts, number + n) for n, ts in enumerate(times)], np.int64).reshape(-1, 2)
        number += len(times)
        found.append((leg, rows))
    return found


@given(steps, st.integers(0, 10), st.integers(1, 12))
def test_every_row_goes_out_once_waits_or_is_counted(script, lateness, limit):
    aligner, out, came = Aligner(3, 2, lateness, limit), [], 0
    for leg, rows in numbered(script):
        came += len(rows)
        out += aligner.take(leg, rows).rows.tolist()
        assert aligner.waiting <= limit
        assert came == len(out) + aligner.waiting + aligner.late
    out += aligner.finish().rows.tolist()
    assert [ts for ts, _ in out] == sorted(ts for ts, _ in out)
    assert len({number for _, number in out}) == len(out) == came - aligner.late
    assert aligner.forced <= came


@given(steps, st.integers(0, 10), st.integers(1, 12))
def test_a_saved_aligner_goes_on_exactly(script, lateness, limit):
    one, other = Aligner(3, 2, lateness, limit), Aligner(3, 2, lateness, limit)
    for leg, rows in numbered(script):
        other = Aligner.of(other.saved())
        left, right = one.take(leg, rows), other.take(leg, rows)
        assert left.rows.tolist() == right.rows.tolist()
        assert left.leg.tolist() == right.leg.tolist()
        assert one.saved() == other.saved()


@given(st.lists(st.lists(st.integers(0, 40), max_size=12), min_size=2, max_size=3), st.data())
def test_how_the_legs_are_interleaved_changes_nothing(legs, data):
    blocks = []
    for leg, times in enumerate(legs):
        blocks.append(np.array([(ts, 100 * leg + n) for n, ts in enumerate(times)], np.int64).reshape(-1, 2))
    whole, mixed = Aligner(len(legs), 2), Aligner(len(legs), 2)
    expected = [row for leg, block in enumerate(blocks) for row in whole.take(leg, block).rows.tolist()]
    left = [list(block) for block in blocks]
    got = []
    while any(left):
        leg = data.draw(st.sampled_from([n for n, rows in enumerate(left) if rows]))
        got += mixed.take(leg, np.array([left[leg].pop(0)])).rows.tolist()
    assert got == expected
    assert mixed.late == whole.late
