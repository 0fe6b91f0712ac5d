"""Arrays that grow: what was there stays, what is new is zeros, wherever the pages lie."""

import mmap
import re
from pathlib import Path

import numpy as np
import pytest

from rtlab.engine.growing import HUGE, LARGE, WHOLE, Growing, zeros
from rtlab.engine.layout import ORDER, RUNG

FEW, MANY = 100, LARGE // ORDER.itemsize + 1


def numbered(count: int) -> Growing:
    growing = Growing(count, ORDER)
    growing.rows["id"] = np.arange(count) + 1
    return growing


@pytest.mark.parametrize(
    ("before", "after"), [(1, 2), (FEW, 3 * FEW), (FEW, MANY), (MANY, 2 * MANY), (MANY, MANY + 1)]
)
def test_rows_stay_and_the_new_ones_are_zeros(before: int, after: int) -> None:
    growing = numbered(before)
    rows = growing.grow(after)
    assert rows is growing.rows
    assert len(rows) == after
    assert (rows["id"][:before] == np.arange(before) + 1).all()
    assert not rows[before:].view(np.uint8).any()


def test_new_rows_can_be_written_after_every_growth() -> None:
    growing, count = numbered(1), 1
    while count < 4 * MANY:
        rows = growing.grow(2 * count)
        rows["id"][count:] = np.arange(count, 2 * count) + 1
        del rows
        count *= 2
    assert (growing.rows["id"] == np.arange(count) + 1).all()


def test_pages_that_nobody_names_are_moved_and_the_others_are_copied() -> None:
    growing = numbered(MANY)
    pages = growing._pages
    growing.grow(2 * MANY)
    assert growing._pages is pages
    held = growing.rows
    grown = growing.grow(3 * MANY)
    assert growing._pages is not pages
    grown["id"][0] = 99
    assert held["id"][0] == 1, "whoever still names the rows keeps them as they were"
    assert (grown["id"][1:MANY] == held["id"][1:MANY]).all()


def test_small_arrays_have_no_pages_of_their_own() -> None:
    assert Growing(FEW, RUNG)._pages is None
    assert Growing(LARGE // RUNG.itemsize, RUNG)._pages is not None


def advice_on(rows: np.ndarray) -> set[str]:
    """Give what Linux was asked about the pages of an array: hg for huge ones, nh for none."""
    inside, address = False, rows.ctypes.data
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if bounds := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            inside = int(bounds[1], 16) <= address < int(bounds[2], 16)
        elif inside and line.startswith("VmFlags:"):
            return {"hg", "nh"} & set(line.split())
    raise AssertionError("no such pages")


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="the system has no huge pages on demand"
)
def test_what_was_foreseen_is_huge_pages_and_what_grows_is_plain_ones() -> None:
    growing = Growing(HUGE // ORDER.itemsize, ORDER)
    assert advice_on(growing.rows) == {"hg"}
    growing.grow(2 * HUGE // ORDER.itemsize)
    assert advice_on(growing.rows) == {"nh"}
    assert advice_on(Growing(MANY, ORDER).rows) == {"nh"}, "too few to need them"
    assert advice_on(zeros(HUGE, RUNG)) == {"nh"}
    assert advice_on(zeros(HUGE, RUNG, foreseen=True)) == {"hg"}


@pytest.mark.parametrize("count", [0, 1, FEW, LARGE // RUNG.itemsize, WHOLE + 1])
def test_zeros_are_zeros_that_can_be_written(count: int) -> None:
    rows = zeros(count, RUNG)
    assert (len(rows), rows.dtype) == (count, RUNG)
    assert not rows.any()
    rows[-1:] = 7
    assert rows[-1:].tolist() == [7] * min(count, 1)


def test_a_kernel_without_huge_pages_gives_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for advice in ("MADV_HUGEPAGE", "MADV_NOHUGEPAGE"):
        monkeypatch.setattr(mmap, advice, 9999, raising=False)  # what it does not know
    assert len(numbered(MANY).grow(2 * MANY)) == 2 * MANY
    assert len(zeros(HUGE, RUNG, foreseen=True)) == HUGE
