"""What the commands that run until they are told to end have in common."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from types import FrameType
from typing import TYPE_CHECKING

from rtlab.config import Settings, load
from rtlab.signals import came, end_at_once
from rtlab.telemetry import configure_logging

if TYPE_CHECKING:
    from rtlab.feed import GatewayStatistics


def settings_of(flags: Mapping[str, object]) -> Settings:
    """Read the settings, the given flags on top, and set up logging by them."""
    settings = load(environ=os.environ, flags={k: v for k, v in flags.items() if v is not None})
    configure_logging(settings.log_level, as_json=settings.log_form == "json")
    return settings


def raise_file_limit(wanted: int) -> None:
    """Let this process hold `wanted` files and sockets, or as many as the system allows it."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def settle_heap() -> None:
    """Let no later collection of garbage walk through what there is now: it is to stay.

    With the compiler in memory a full collection holds every reader up for 0.2 to 0.5 s.
    """
    gc.collect()
    gc.freeze()


def run(main: Coroutine[object, object, None]) -> None:
    """Run `main` on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:  # Windows, or a platform without a wheel
        asyncio.run(main)
    else:
        uvloop.run(main)


async def ended_event(*, after_s: float | None = None, with_owner: bool = False) -> asyncio.Event:
    """Give an event that is set by Ctrl-C or SIGTERM, `after_s` seconds, or the end of standard input.

    Until `begun` is called, kernels that compile are no reason to wait: the process ends at once, with status 0.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
        _note(number)
    end_at_once({signal.SIGINT: 0, signal.SIGTERM: 0}, owner=sys.stdin.fileno() if with_owner else None)
    if after_s is not None:
        loop.call_later(after_s, ended.set)
    if with_owner:
        await loop.connect_read_pipe(lambda: _Owner(ended), sys.stdin)
    return ended


def readers_line(told: "GatewayStatistics") -> str:
    """Say what became of a feed's readers, and what was left out for them."""
    return (
        f"readers: {told.accepted:,} in all, {told.evicted:,} cut off, {told.merged:,} states merged into newer ones, "
        f"{told.dropped:,} trades dropped"
    )


def begun() -> None:
    """Say that the command does what it is for: from now on it ends in order, whatever is compiled meanwhile."""
    end_at_once({})


def _note(number: int) -> None:
    # the loop's own handler leaves all to the loop, which what compiles on it keeps from looking
    before = signal.getsignal(number)
    assert callable(before)

    def handler(number: int, frame: FrameType | None) -> None:
        came(number)
        before(number, frame)

    signal.signal(number, handler)
    signal.siginterrupt(number, False)


class _Owner(asyncio.Protocol):
    """The owner holds the other end of standard input: when it closes, however, the owner is gone."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()
