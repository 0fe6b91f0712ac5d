"""The connection of the bus to Redis: gives up in time, tries nothing twice by itself, and speaks in our errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rtlab.errors import ConfigError, UnreachableError, shown

CONNECT_S = 1.0
ANSWER_S = 1.5


def client(url: str) -> Redis:
    """Give a client of the server at `url` (redis://, rediss:// or unix://); ConfigError for another address."""
    try:
        return Redis.from_url(
            url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=CONNECT_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    except ValueError as problem:
        raise ConfigError(
            "this is not the address of a Redis", expected="redis://host:port or unix:///path", got=shown(url)
        ) from problem


@asynccontextmanager
async def answering(url: str) -> AsyncIterator[None]:
    """Turn what goes wrong between us and the server into UnreachableError."""
    try:
        yield
    except (RedisError, OSError) as problem:
        raise UnreachableError(
            f"Redis at {shown(url)} does not do it: {problem or type(problem).__name__}"
        ) from problem
