"""Compile kernels: once, kept on disk, and never behind the user's back.

numba's own cache sees only the file of the function that was called. Change a function in the next module,
which was compiled into it, and numba would go on with the old one. Here the name of the cache folder is a
fingerprint of all sources a kernel can be made of, so that a changed source compiles anew.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import sigutils
from numba.core import types as numba_types
from numba.core.event import Event, Listener, install_listener
from numba.misc.appdirs import AppDirs

from rtlab.errors import LocalError
from rtlab.signals import interruptible

P = ParamSpec("P")
R = TypeVar("R")
_INSIDE: Any = {
    "error_model": "numpy",
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
_njit: Any = numba.njit  # its stubs leave out options that it documents
_config: Any = numba.config
_user_folders: Any = AppDirs
_signatures: Any = sigutils
_types: Any = numba_types
_typeof: Any = numba.typeof


def cache_folder() -> Path:
    """Give the folder under which compiled kernels are kept: NUMBA_CACHE_DIR, or the user's own cache."""
    return Path(_config.CACHE_DIR or _user_folders(appname="rtlab", appauthor=False).user_cache_dir)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that Python calls; it is kept on disk and runs without the GIL.

    The sources it may be made of are those of its own package and of rtlab.model.
    """
    return _kept(function, nogil=True)


def exclusive_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile as `kernel` does, but keep the GIL: threads that share what it changes take turns.

    It counts no references to arrays (see `bare_part`), so that it makes none.
    """
    return _kept(function, nogil=False)


def door(compiled: Callable[P, R], *arguments: P.args, **_: P.kwargs) -> Callable[P, R]:
    """Give the machine code of a kernel for arguments of exactly these types, compiled or loaded now.

    Where an argument is itself a type of numba's, it stands for arguments of that type.

    A kernel looks at the types of its arguments at every call, which takes longer than a short call itself; the
    door does not look, so that other types crash the process. LocalError: no kernel.
    """
    if not hasattr(compiled, "compile"):
        raise LocalError("no kernel", got=compiled)
    types = tuple(one if isinstance(one, _types.Type) else _typeof(one) for one in arguments)
    return cast(Callable[P, R], compiled.compile(types))


def part(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that only kernels call: it is compiled into each of them, without a door for Python."""
    return _specialised_once(_njit(**_INSIDE)(function))


def outlined_part(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a part that is rarely called or often named: it is compiled once, and called."""
    return _specialised_once(_njit(**(_INSIDE | {"forceinline": False}))(function))


def pasted_part(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a part that is pasted into its callers before they are typed: it may return what no call can."""
    return cast(Callable[P, R], _njit(inline="always", _nrt=False)(function))


def bare_part(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a part that counts no references to arrays: each would be a locked instruction in an inner loop.

    Such a part makes no array, numba refuses that; and it must not return one, which nobody would hold.
    """
    return cast(Callable[P, R], _njit(**_INSIDE)(function))


def _specialised_once(dispatcher: Any) -> Callable[P, R]:
    """Let a part see every signed integer as one of 64 bits: numba would compile it for each mixture of widths."""
    compile_for = dispatcher.compile

    def compile_widened(signature: Any) -> object:
        arguments, _ = _signatures.normalize_signature(signature)
        return compile_for(tuple(_widened(one) for one in arguments))

    dispatcher.compile = compile_widened
    return cast(Callable[P, R], dispatcher)


def _widened(one: Any) -> Any:
    plain = _types.unliteral(one)
    return _types.int64 if isinstance(plain, _types.Integer) and plain.signed else plain


@contextmanager
def announce(what: str) -> Iterator[None]:
    """Say on stderr, in one line, that `what` is being compiled and how long it took; nothing if it was kept.

    A command may be ended in the middle of it: what was compiled by then is kept, whole.
    """
    listener = _Announcement(what)
    with install_listener("numba:compile", listener):
        try:
            yield
        finally:
            listener.close()


def _kept(function: Callable[P, R], *, nogil: bool) -> Callable[P, R]:
    folder = cache_folder() / _fingerprint(Path(function.__code__.co_filename).parent)
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(folder)
    try:
        compiled = _njit(cache=_writable(folder), nogil=nogil, error_model="numpy", _nrt=nogil)(function)
        return cast(Callable[P, R], compiled)
    finally:
        _config.CACHE_DIR = before


class _Announcement(Listener):
    def __init__(self, what: str) -> None:
        self._what = what
        self._thread = threading.get_ident()  # numba tells every listener of every thread
        self._began: float | None = None
        self._heeding = ExitStack()
        self._ended = 0.0

    def on_start(self, event: Event) -> None:
        if self._began is None and threading.get_ident() == self._thread:
            self._began = self._ended = time.perf_counter()
            self._heeding.enter_context(
                interruptible("\n")
            )  # first, for it ends the line that is begun below
            kept = str(cache_folder()).replace(str(Path.home()), "~", 1)
            sys.stderr.write(f"rtlab: compiling {self._what} (once, kept in {kept})…")
            sys.stderr.flush()

    def on_end(self, event: Event) -> None:
        if threading.get_ident() == self._thread:
            self._ended = time.perf_counter()

    def close(self) -> None:
        self._heeding.close()
        if self._began is not None:
            sys.stderr.write(f" {self._ended - self._began:.1f} s\n")
            sys.stderr.flush()


@lru_cache
def _fingerprint(folder: Path) -> str:
    digest = sha256()
    for source in sorted({*folder.glob("*.py"), *(Path(__file__).parent / "model").glob("*.py")}):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return f"{folder.name}-{digest.hexdigest()[:16]}"


@lru_cache
def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
