"""Objects that a kernel makes are Python's own, and nothing of them stays."""

import gc
import sys

import numpy as np
import pytest
from numba import njit

from rtlab.compiling import door
from rtlab.engine.boxing import (
    OBJECT,
    address_of,
    called,
    fill,
    give,
    give_none,
    let_collect,
    new_integer,
    new_list,
    release,
)
from rtlab.engine.layout import WORD
from rtlab.engine.memory import rows_at

LARGEST = (1 << 63) - 1


@njit(_nrt=False)  # not kept: a kept probe would not see a changed part
def numbers(address, count):  # type: ignore[no-untyped-def]
    made = new_list(count)
    words = rows_at(address, count, WORD)
    for at in range(count):
        fill(made, at, new_integer(words[at]))
    return give(made)


@njit(_nrt=False)
def of_two(function, address):  # type: ignore[no-untyped-def]
    words = rows_at(address, 2, WORD)
    words[0], words[1] = new_integer(words[0]), new_integer(words[1])
    done = called(function, address, 2)
    release(words[0])
    release(words[1])
    return give(done)


@njit(_nrt=False)
def nothing_if(zero):  # type: ignore[no-untyped-def]
    release(0)
    if zero == 0:
        return give_none()
    return give(new_integer(zero))


@njit(_nrt=False)
def where(what):  # type: ignore[no-untyped-def]
    return give(new_integer(address_of(what)))


@njit(_nrt=False)
def allowed(may):  # type: ignore[no-untyped-def]
    return give(new_integer(let_collect(may)))


def given(*words: int) -> np.ndarray:
    return np.array(words, WORD)


def test_integers_of_64_bits_come_as_they_are_in_a_list() -> None:
    words = given(0, -1, 256, 257, LARGEST, -LARGEST - 1)
    assert numbers(words.ctypes.data, len(words)) == words.tolist()
    assert numbers(words.ctypes.data, 0) == []


def test_a_call_gives_what_python_would() -> None:
    assert of_two(id(pow), given(3, 50).ctypes.data) == 3**50
    assert of_two(id(max), given(LARGEST, 1).ctypes.data) == LARGEST


def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        of_two(id(divmod), given(1, 0).ctypes.data)
    with pytest.raises(TypeError, match="argument"):
        of_two(id(len), given(1, 0).ctypes.data)


def test_none_is_none_and_a_number_a_number() -> None:
    assert nothing_if(0) is None
    assert nothing_if(5) == 5


@pytest.mark.parametrize("what", ["a text", np.zeros(3), [1], object()], ids=lambda what: type(what).__name__)
def test_an_object_is_at_its_address_and_nobody_elses(what: object) -> None:
    find = door(where, OBJECT)
    before = sys.getrefcount(what)
    assert find(what) == id(what)
    assert sys.getrefcount(what) == before


def test_garbage_is_collected_when_that_is_let_and_who_asks_is_told_how_it_was() -> None:
    assert gc.isenabled()
    try:
        assert (allowed(0), gc.isenabled()) == (1, False)
        assert (allowed(0), gc.isenabled()) == (0, False)
        assert (allowed(1), gc.isenabled()) == (0, True)
        assert (allowed(1), gc.isenabled()) == (1, True)
    finally:
        gc.enable()


def test_nothing_that_was_made_stays() -> None:
    words, two = given(*range(10**12, 10**12 + 50)), given(0, 0)

    def all_of_it() -> None:
        numbers(words.ctypes.data, len(words))
        two[:] = 10**12, 10**12 + 1
        of_two(id(max), two.ctypes.data)
        two[:] = 10**12, 0
        with pytest.raises(ZeroDivisionError):
            of_two(id(divmod), two.ctypes.data)

    for _ in range(10):
        all_of_it()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        all_of_it()
    gc.collect()
    assert abs(sys.getallocatedblocks() - before) < 500  # each object kept once a turn would be 1,000
