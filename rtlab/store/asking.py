"""Keys asked for by one connection, of which nothing else is asked: a third of what a whole client costs a read."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ConnectionError

from rtlab.store.connection import connect


class Asking:
    """Gives values of the Redis at `url`, one question at a time; connects when it is first asked. ConfigError: no URL.

    Errors are those of the client. A connection that was lost since the last question is made anew without a word;
    what broke in the middle of one is not used again, for the next would be given its answer.
    """

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        pool: Any = self._redis.connection_pool
        self._connection = pool.make_connection()
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Leave. Idempotent."""
        await self._connection.disconnect()
        await self._redis.aclose()

    async def values(self, keys: Sequence[str]) -> list[bytes | None]:
        """Give what Redis has under each of `keys`, in their order, asked in one go; None where there is nothing."""
        async with self._turn:
            if self._connection.is_connected:
                try:
                    return await self._ask(keys)
                except ConnectionError:
                    pass  # perhaps only this connection had ended
            return await self._ask(keys)

    async def _ask(self, keys: Sequence[str]) -> list[bytes | None]:
        connection = self._connection
        try:
            packed = connection.pack_commands([("GET", key) for key in keys])
            await connection.send_packed_command(packed, check_health=False)
            return [await connection.read_response() for _ in keys]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
