"""Run kernels as plain Python: nothing is compiled, and who reads or writes beyond an array is told so.

`interpret()` comes before anything of rtlab.engine is imported. An array is a ctypes array at its address: it has
bounds, its rows are no copies, and what is written wraps as in memory. What is not written yet does not wrap.
"""

import ctypes
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import numba
import numba.extending
import numpy as np

WIDE = (1 << 64) - 1
_unsigned: Any = int.__new__
_add, _multiply, _differ, _shift = int.__add__, int.__mul__, int.__xor__, int.__rshift__


def interpret() -> None:
    """Let numba give back what it would compile, and Python stand for what is no Python."""
    numba.njit = _plain
    numba.extending.intrinsic = lambda function: STANDS_FOR[function.__name__]


class Unsigned(int):
    """What a kernel makes of 64 bits without a sign."""

    def __new__(cls, number: int) -> "Unsigned":
        return _unsigned(cls, number & WIDE)

    def __add__(self, other: int) -> "Unsigned":
        return _unsigned(Unsigned, _add(self, other) & WIDE)

    def __mul__(self, other: int) -> "Unsigned":
        return _unsigned(Unsigned, _multiply(self, other) & WIDE)

    def __xor__(self, other: int) -> "Unsigned":
        return _unsigned(Unsigned, _differ(self, other))

    def __rshift__(self, other: int) -> "Unsigned":
        return _unsigned(Unsigned, _shift(self, other))


class Numbers:
    """What kernels use of numpy."""

    uint64 = Unsigned

    @staticmethod
    def int64(number: int) -> int:
        return int(number)


@lru_cache(maxsize=1 << 12)
def rows_at(address: int, count: int, row: np.dtype[Any]) -> Any:
    if count < 0:
        raise IndexError(f"{count} rows")
    return (_shape_of(row) * count).from_address(address)


@lru_cache
def _shape_of(row: np.dtype[Any]) -> Any:
    if row.names is None:
        # words are patterns of bits: with a sign, a shift to the left would not lose the highest
        return {"<i8": ctypes.c_uint64, "<i4": ctypes.c_int32}[row.str]
    whole = {8: ctypes.c_int64, 4: ctypes.c_int32, 2: ctypes.c_int16, 1: ctypes.c_int8}
    fields = [(name, whole[row[name].itemsize]) for name in row.names]
    shape = type("Row", (ctypes.Structure,), {"_fields_": fields})
    assert ctypes.sizeof(shape) == row.itemsize
    assert all(getattr(shape, name).offset == (row.fields or {})[name][1] for name in row.names)
    return shape


def _of_python(name: str, *arguments: Any, result: Any = None) -> Any:
    """Give a function of Python's own C interface, which raises what that raises."""
    function = getattr(ctypes.pythonapi, name)
    function.argtypes, function.restype = arguments, result
    return function


_address, _size = ctypes.c_void_p, ctypes.c_ssize_t
_call = _of_python("PyObject_Vectorcall", _address, _address, _size, _address, result=_address)
_release = _of_python("Py_DecRef", _address)

_let_collect = [_of_python(f"PyGC_{name}", result=ctypes.c_int) for name in ("Disable", "Enable")]


def _give(address: int) -> object:
    if address == 0:
        raise SystemError("nothing was made")
    given = ctypes.cast(address, ctypes.py_object).value
    _release(address)
    return given


STANDS_FOR: dict[str, Callable[..., Any]] = {
    "rows_at": rows_at,
    "fetch": lambda words, at: None,
    "lowest_bit": lambda word: (int(word) & -int(word)).bit_length() - 1,
    "give": _give,
    "give_none": lambda: None,
    "address_of": id,
    "let_collect": lambda may: _let_collect[bool(may)](),
    "new_integer": _of_python("PyLong_FromLongLong", ctypes.c_longlong, result=_address),
    "new_list": _of_python("PyList_New", _size, result=_address),
    "fill": _of_python("PyList_SetItem", _address, _size, _address, result=ctypes.c_int),
    "called": lambda function, arguments_at, count: _call(function, arguments_at, count, None),
    "release": _release,
    "highest_bit": lambda word: (int(word) & WIDE).bit_length() - 1,
}


def _plain(function: Any = None, **options: object) -> Any:
    if function is None:
        return _plain
    if function.__module__ == "rtlab.engine.ids":
        function.__globals__["np"] = Numbers
    if not function.__module__.startswith("rtlab."):
        function = _with_rows(function)
    function.compile = lambda types: function
    return function


def _with_rows(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a test's own kernel see what it is given as those of the engine see theirs."""

    @wraps(function)
    def called(*arguments: Any) -> Any:
        return function(*(_seen(one) if isinstance(one, np.ndarray) else one for one in arguments))

    return called


def _seen(array: np.ndarray) -> Any:
    return rows_at(array.ctypes.data, len(array), array.dtype) if array.ndim == 1 else Table(array)


class Table:
    """An array of two dimensions, whose numbers are Python's."""

    def __init__(self, array: np.ndarray) -> None:
        self.rows = array.tolist()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: tuple[int, int]) -> int:
        return self.rows[at[0]][at[1]]
