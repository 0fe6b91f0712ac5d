"""Effects that are applied once, by event id, however often an event comes.

The id is written in the same transaction as the effect, so neither is there without the other. Where the consumer
has a fencing token (Redis), the token is compared in that transaction too: a consumer that was frozen while another
took its shard is refused with FencedError, whatever it wanted to write. Ids are kept for `keep_s`; an event that is
published again later than that would be applied again.

Patterns, for the places where an effect may live:

    once = SqliteOnce(path)                                   # a file of our own
    once = PostgresOnce("postgresql://host/database")         # of `once_postgres`, the extra `postgres`
    once.apply(delivery, lambda cursor: cursor.execute("UPDATE ..."))

    with connection:                                          # your database, your transaction
        if is_first(connection.cursor(), delivery):
            connection.execute("UPDATE ...")

    once = RedisOnce(url)                                     # Redis: commands, all in one script
    await once.apply(delivery, [("HINCRBY", "positions", delivery.key, 5)])
"""

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

from rtlab.bus.handling import Delivery
from rtlab.bus.redis_client import answering, client
from rtlab.errors import FencedError, UnreachableError

KEEP_S = 7 * 86_400.0
BUSY_S = 10.0

TABLES = (
    "CREATE TABLE IF NOT EXISTS bus_applied (scope VARCHAR(200) NOT NULL, id VARCHAR(200) NOT NULL, "
    "ts BIGINT NOT NULL, PRIMARY KEY (scope, id))",
    "CREATE INDEX IF NOT EXISTS bus_applied_ts ON bus_applied (ts)",
    "CREATE TABLE IF NOT EXISTS bus_fences (shard VARCHAR(200) PRIMARY KEY, token BIGINT NOT NULL)",
)
"""The tables that `is_first` needs, in the SQL of SQLite and PostgreSQL."""


class Cursor(Protocol):
    """A cursor of any DB-API connection."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement touched."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Run a statement."""

    def fetchone(self) -> Any:
        """Give one row of the last statement."""


def is_first(cursor: Cursor, delivery: Delivery[Any], *, mark: str = "?") -> bool:
    """Note in the open transaction of `cursor` that this event is applied; False when it was already.

    `mark` is the database's placeholder: `?` (SQLite) or `%s` (PostgreSQL by psycopg). FencedError when a newer
    consumer has written for this shard: roll back.
    """
    _check_fence(cursor, delivery, mark)
    return _is_new(cursor, delivery, mark)


def _is_new(cursor: Cursor, delivery: Delivery[Any], mark: str) -> bool:
    cursor.execute(
        f"INSERT INTO bus_applied VALUES ({mark}, {mark}, {mark}) ON CONFLICT DO NOTHING",
        (f"{delivery.topic}/{delivery.group}", delivery.id, int(time.time())),
    )
    return cursor.rowcount == 1


def _check_fence(cursor: Cursor, delivery: Delivery[Any], mark: str) -> None:
    if not delivery.token:
        return
    shard = f"{delivery.topic}/{delivery.group}/{delivery.shard}"
    cursor.execute(
        f"INSERT INTO bus_fences VALUES ({mark}, {mark}) ON CONFLICT (shard) DO UPDATE SET token = excluded.token "
        "WHERE excluded.token >= bus_fences.token",
        (shard, delivery.token),
    )
    if cursor.rowcount == 0:
        raise FencedError(
            f"a newer consumer has written for {shard}", expected=f"a token above {delivery.token}"
        )


class Session(Protocol):
    """A connection in autocommit, of SQLite or psycopg."""

    def execute(self, statement: Any, parameters: Sequence[Any] = ..., /) -> Any:
        """Run a statement; gives its cursor."""


class DatabaseOnce(ABC):
    """Applies effects once in a database, whose tables it makes. For plain handlers; any number of threads.

    `refused` counts writes of consumers that hold their shard no more, `repeated` events that were applied already.
    """

    mark: ClassVar[str] = "?"
    """The placeholder of its statements."""
    begin: ClassVar[str] = "BEGIN"

    def __init__(self, *, keep_s: float = KEEP_S) -> None:
        self.keep_s = keep_s
        self.applied = self.repeated = self.refused = 0
        self.make(TABLES)

    @abstractmethod
    def session(self) -> AbstractContextManager[Session]:
        """Lend a connection; what is not committed at the end is rolled back. UnreachableError when it is away."""

    def close(self) -> None:  # noqa: B027  # where nothing is kept open there is nothing to do
        """Let go of what is kept open for the next one."""

    def make(self, statements: Sequence[str]) -> None:
        """Make tables that are not there yet."""
        with self.session() as session:
            for statement in statements:
                session.execute(statement)

    def apply(self, delivery: Delivery[Any], effect: Callable[[Any], object]) -> bool:
        """Run `effect(cursor)` and note the event, in one transaction; False when it was applied already."""
        return self.apply_all([delivery], lambda cursor, _: effect(cursor)) == 1

    def apply_all(
        self, deliveries: Sequence[Delivery[Any]], effect: Callable[[Any, Delivery[Any]], object]
    ) -> int:
        """Run `effect` for each that was not applied yet, all in one transaction; gives how many that were."""
        first = 0
        # one look at a fence is enough: from then on it is locked until the end of the transaction
        fences = {(one.topic, one.group, one.shard, one.token): one for one in deliveries}.values()
        try:
            with self.session() as session:
                cursor = session.execute(self.begin)
                for delivery in fences:
                    _check_fence(cursor, delivery, self.mark)
                for delivery in deliveries:
                    if _is_new(cursor, delivery, self.mark):
                        effect(cursor, delivery)
                        first += 1
                session.execute("COMMIT")
        except FencedError:
            self.refused += len(deliveries)
            raise
        self.applied += first
        self.repeated += len(deliveries) - first
        return first

    def forget(self) -> int:
        """Remove ids older than `keep_s`; gives how many. Call it now and then."""
        old = int(time.time() - self.keep_s)
        with self.session() as session:
            return int(session.execute(f"DELETE FROM bus_applied WHERE ts < {self.mark}", (old,)).rowcount)


class SqliteOnce(DatabaseOnce):
    """Applies effects once in a SQLite file. See `DatabaseOnce`.

    UnreachableError when the file stays locked by others: a process that is frozen inside its transaction, or while it
    closes the file, keeps it locked until it wakes or dies.
    """

    begin: ClassVar[str] = "BEGIN IMMEDIATE"

    def __init__(self, path: Path | str, *, keep_s: float = KEEP_S) -> None:
        self.path = Path(path)
        super().__init__(keep_s=keep_s)

    def make(self, statements: Sequence[str]) -> None:
        """Make tables that are not there yet."""
        until = time.monotonic() + BUSY_S
        while True:
            try:
                super().make(("PRAGMA journal_mode = WAL", *statements))
                return
            except UnreachableError:  # SQLite does not wait for others who use the file: it says so at once
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def connect(self) -> sqlite3.Connection:
        """Open the file, in autocommit; every commit is on disk when it returns."""
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def session(self) -> Iterator[Session]:
        """See `DatabaseOnce.session`."""
        connection = self.connect()
        try:
            yield connection
        except sqlite3.OperationalError as problem:
            if "locked" in str(problem) or "full" in str(problem):
                raise UnreachableError(f"{self.path} cannot be written now: {problem}") from problem
            raise
        finally:
            connection.close()  # rolls back what was not committed


_APPLY = """
local fence = tonumber(redis.call('GET', KEYS[2]) or '0')
if tonumber(ARGV[1]) < fence then
  redis.call('INCR', KEYS[3])
  return -1
end
redis.call('SET', KEYS[2], ARGV[1])
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[2]) then return 0 end
local at = 3
while at <= #ARGV do
  local size = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + size))
  at = at + size + 1
end
return 1
"""


class RedisOnce:
    """Applies commands once on Redis: id, fence and commands in one script. For coroutine handlers.

    A command that Redis refuses (a wrong type, no such command) ends the script, and those before it stay: give
    commands that cannot fail. `refused` as for SqliteOnce, counted on the server too, for all.
    """

    def __init__(self, url: str, *, keep_s: float = KEEP_S) -> None:
        self.url, self.keep_s = url, keep_s
        self.applied = self.repeated = self.refused = 0
        self._redis = client(url)
        self._script = self._redis.register_script(_APPLY)

    async def apply(self, delivery: Delivery[Any], commands: Sequence[Sequence[str | bytes | int]]) -> bool:
        """Run `commands` and note the event, in one step; False when it was applied already."""
        scope = f"rtlab:once:{delivery.topic}/{delivery.group}"
        keys = [f"{scope}:id:{delivery.id}", f"{scope}:fence:{delivery.shard}", f"{scope}:refused"]
        flat: list[Any] = [part for command in commands for part in (len(command), *command)]
        async with answering(self.url):
            outcome = cast(int, await self._script(keys=keys, args=[delivery.token, int(self.keep_s), *flat]))
        if outcome < 0:
            self.refused += 1
            raise FencedError(f"a newer consumer has written for shard {delivery.shard} of {delivery.topic}")
        self.applied += outcome
        self.repeated += 1 - outcome
        return outcome == 1

    async def close(self) -> None:
        """Leave."""
        await self._redis.aclose()
