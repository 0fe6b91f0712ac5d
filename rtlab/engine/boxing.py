"""Python's objects from inside a kernel, by Python's own C interface, in half the time that Python takes to make them.

An object is its address; 0 is none, and says that Python is about to raise. Only kernels that keep the GIL may do
this. What is new belongs to who asked for it, and is released by him.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import NativeValue, box, intrinsic, register_model, unbox

_intrinsic: Callable[[Callable[..., object]], Callable[..., Any]] = intrinsic
_models: Any = models
_box: Callable[[object], Callable[[Callable[..., object]], Callable[..., object]]] = box
_unbox: Callable[[object], Callable[[Callable[..., object]], Callable[..., object]]] = unbox
_native: Any = NativeValue
_register: Any = register_model
_cgutils: Any = cgutils
_opaque: Any = types.Opaque
_word, _flag, _object = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()

Generated = tuple[object, Callable[..., object]]


class ObjectType(_opaque):  # type: ignore[misc]
    """The type of what a kernel gets from Python, or gives to it, as it is."""

    def __init__(self) -> None:
        super().__init__("Object")


_register(ObjectType)(_models.OpaqueModel)
OBJECT = ObjectType()


@_box(ObjectType)
def _as_it_is(_: object, value: object, __: object) -> object:
    return value


@_unbox(ObjectType)
def _as_it_came(_: object, value: object, __: object) -> object:
    return _native(value)


@_intrinsic
def address_of(context: object, what: object) -> Generated:
    """Give the address of an object, which belongs to who called the kernel."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        return builder.ptrtoint(arguments[0], _word)

    return types.int64(OBJECT), generate


@_intrinsic
def give(context: object, address: object) -> Generated:
    """Give an object to Python, to whom it belongs from now on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        return builder.inttoptr(arguments[0], _object)

    return OBJECT(types.int64), generate


@_intrinsic
def give_none(context: object) -> Generated:
    """Give None to Python."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        return context.get_python_api(builder).make_none()

    return OBJECT(), generate


@_intrinsic
def new_integer(context: object, number: object) -> Generated:
    """Make an integer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        made = context.get_python_api(builder).long_from_longlong(arguments[0])
        return builder.ptrtoint(made, _word)

    return types.int64(types.int64), generate


@_intrinsic
def new_list(context: object, length: object) -> Generated:
    """Make a list in whose places nothing is; each must be filled before anybody else sees it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        made = context.get_python_api(builder).list_new(arguments[0])
        return builder.ptrtoint(made, _word)

    return types.int64(types.int64), generate


@_intrinsic
def fill(context: object, into: object, at: object, address: object) -> Generated:
    """Put an object into a new list, to which it belongs from now on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        into, at, address = arguments
        into, address = (builder.inttoptr(one, _object) for one in (into, address))
        context.get_python_api(builder).list_setitem(into, at, address)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@_intrinsic
def called(context: object, function: object, arguments_at: object, count: object) -> Generated:
    """Call with `count` objects, whose addresses lie at `arguments_at`; give what comes of it, which is new."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        kind = ir.FunctionType(_word, [_word] * 4)
        call = _cgutils.get_or_insert_function(builder.module, kind, "PyObject_Vectorcall")
        return builder.call(call, [*arguments, _word(0)])

    return types.int64(types.int64, types.int64, types.int64), generate


@_intrinsic
def let_collect(context: object, may: object) -> Generated:
    """Let Python collect garbage (1) or not (0), which may run anybody's code; give whether it was let before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        kind = ir.FunctionType(_flag, [])
        on, off = (
            _cgutils.get_or_insert_function(builder.module, kind, f"PyGC_{name}")
            for name in ("Enable", "Disable")
        )
        may = builder.icmp_signed("!=", arguments[0], _word(0))
        return builder.sext(builder.call(builder.select(may, on, off), []), _word)

    return types.int64(types.int64), generate


@_intrinsic
def release(context: object, address: object) -> Generated:
    """Give back what was new; 0 is nothing."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        context.get_python_api(builder).decref(builder.inttoptr(arguments[0], _object))
        return context.get_dummy_value()

    return types.void(types.int64), generate
