"""Signals that come while one call lasts for seconds, as when a kernel compiles: Python looks at them afterwards.

A command says by `end_at_once` that it may be ended in the middle, and with which status. What it does meanwhile in
`interruptible` then ends with the signal, in no order: nothing may be open there that must be closed. Who merely uses
the package is left alone.
"""

import os
import select
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType


class _Answers:
    """How signals are answered, which came last, and the last words of what is under way."""

    def __init__(self) -> None:
        self.statuses: Mapping[int, int] = {}
        self.owner: int | None = None
        self.came: int | None = None
        self.under_way: list[str] = []
        self.ending = threading.Lock()


_answers = _Answers()


def end_at_once(statuses: Mapping[int, int], *, owner: int | None = None) -> None:
    """Let these signals end `interruptible` bodies, with these exit statuses; an empty mapping lets none.

    So does `owner`, a descriptor that nobody writes to, when its other end closes: with status 0.
    """
    _answers.statuses, _answers.owner, _answers.came = statuses, owner, None


def came(number: int) -> None:
    """Tell that a signal came, from its handler: what is under way ends, and so would what is begun later."""
    _answers.came = number
    if _answers.statuses and _answers.under_way:
        _end()


@contextmanager
def interruptible(last_words: str = "") -> Iterator[None]:
    """Heed the signals of `end_at_once` while the body runs, also those that Python cannot look at.

    `last_words` are written to standard error when it is ended.
    """
    if not _answers.statuses:
        yield
        return
    _answers.under_way.append(last_words)
    if _answers.came is not None:
        _end()
    try:
        with _watched():
            yield
    finally:
        _answers.under_way.remove(last_words)


@contextmanager
def _watched() -> Iterator[None]:
    # the system tells a socket of each signal at once, and a thread reads it; in other threads the handlers do
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told, tells = socket.socketpair()
    tells.setblocking(False)
    before = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_watch, args=(told, before), name="rtlab signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        tells.close()
        thread.join()
        told.close()


def _watch(told: socket.socket, before: int) -> None:
    looked_at = [told.fileno(), *([] if _answers.owner is None else [_answers.owner])]
    while True:
        ready, _, _ = select.select(looked_at, [], [])
        if told.fileno() not in ready:
            _end()  # the owner is gone
        numbers = told.recv(64)
        if not numbers:
            return
        for number in numbers:
            if number in _answers.statuses:
                _answers.came = number
                _end()
        if before >= 0:
            with suppress(BlockingIOError):  # full: who reads there wakes up in any case
                os.write(before, numbers)


def _end() -> None:
    _answers.ending.acquire()  # for good: a handler and the thread may both come here
    status = 0 if _answers.came is None else _answers.statuses.get(_answers.came, 0)
    with suppress(OSError):
        os.write(2, "".join(_answers.under_way).encode())
    os._exit(status)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let an interrupt (SIGINT) come after the body and not in its middle, where Python would raise it anywhere."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is None:
        yield  # only the main thread is interrupted, and a handler that is not Python's cannot be put back
        return
    waiting: list[FrameType | None] = []
    before = signal.signal(signal.SIGINT, lambda _, frame: waiting.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting and callable(before):
            before(signal.SIGINT, waiting[0])
