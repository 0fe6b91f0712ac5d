import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import StalenessFold


def rows(columns) -> list[tuple[int, int, bool]]:
    return list(zip(columns.ts.tolist(), columns.since.tolist(), columns.over.tolist(), strict=True))


def plain(events: list[tuple[int, bool]], after: int) -> list[tuple[int, int, bool]]:
    found, last, silent = [], None, False
    for ts, watched in events:
        long = last is not None and ts - last > after
        if watched:
            found += [(ts, last, True)] if long else []
            silent = silent and last is not None and ts <= last
            last = ts if last is None else max(ts, last)
        elif long and not silent:
            found.append((ts, last, False))
            silent = True
    return found


def test_a_silence_is_told_when_it_ends():
    fold = StalenessFold(10)
    assert rows(fold.fold(np.array([1, 11, 22, 20, 23, 50]))) == [(22, 11, True), (50, 23, True)]
    assert fold.left_out == 1


def test_others_tell_it_while_it_lasts_and_once():
    fold = StalenessFold(10)
    found = rows(fold.fold(np.array([1])))
    found += rows(fold.fold_others(np.arange(0, 40, 4)))
    found += rows(fold.fold_others(np.array([44])))
    found += rows(fold.fold(np.array([33])))
    assert found == [(12, 1, False), (33, 1, True)]


@given(st.lists(st.tuples(st.integers(-5, 25), st.booleans()), max_size=40))
def test_it_equals_a_plain_loop(steps):
    times = np.cumsum([step for step, _ in steps], dtype=np.int64).tolist()
    events = [(ts, watched) for ts, (_, watched) in zip(times, steps, strict=True)]
    fold, found = StalenessFold(15), []
    for ts, watched in events:
        found += rows((fold.fold if watched else fold.fold_others)(np.array([ts])))
    assert found == plain(events, 15)


def test_a_silence_of_no_length_is_refused():
    with pytest.raises(ConfigError, match="silence"):
        StalenessFold(0)
