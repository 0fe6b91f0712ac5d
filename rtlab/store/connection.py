"""Connections to Redis that give up in time, and what going wrong looks like.

Gone (nobody listens, the connection broke, it is still loading) and stalled (connected, but no answer in time)
are told apart: the first is over when somebody listens again, the second may have done what it was asked. One
that answers, but takes nothing (out of memory, out of disk), is away as well.
"""

import asyncio
from collections.abc import Callable

from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    MaxConnectionsError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from rtlab.errors import ConfigError, shown

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 1.0

Gone = (ConnectionError, BusyLoadingError, MaxConnectionsError, ReadOnlyError, OSError)
"""Nobody is there, or nobody who could be written to."""
Stalled = TimeoutError
"""Somebody is there, but silent."""
Away = (TimeoutError, ResponseError, *Gone)

__all__ = [
    "ANSWER_TIMEOUT_S",
    "Away",
    "Gone",
    "RedisError",
    "ResponseError",
    "Stalled",
    "backoff_s",
    "connect",
]


def connect(
    url: str, answer_s: float = ANSWER_TIMEOUT_S, *, may_connect: Callable[[], bool] = lambda: True
) -> "Redis":
    """Give a client of the server at `url` (redis://, rediss:// or unix://) that tries nothing twice by itself.

    The client would come back by itself to a server that was restarted, and go on as if nothing had happened:
    where `may_connect` says no, that is an error of the command instead.
    """

    async def greet(connection: Connection) -> None:
        if not may_connect():
            raise ConnectionError("the connection was lost")
        await connection.on_connect()

    try:
        return Redis.from_url(
            url,
            socket_timeout=answer_s,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            redis_connect_func=greet,
        )
    except ValueError as problem:
        raise ConfigError(
            "this is not the address of a Redis", expected="redis://host:port or unix:///path", got=shown(url)
        ) from problem


def backoff_s(tries: int) -> float:
    """Give how long to wait before try number `tries` (from 1)."""
    return float(min(1.0, 0.02 * 2 ** min(tries, 10)))


def is_conflict(problem: object) -> bool:
    """Tell whether an XADD was refused because the stream is already there or further on."""
    return isinstance(problem, ResponseError) and "equal or smaller" in str(problem)


async def stop(task: asyncio.Task[object]) -> None:
    """Cancel `task` until it has ended: a cancellation that meets an answer or a time-out of the client is lost."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
