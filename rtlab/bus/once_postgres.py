"""Effects that are applied once in PostgreSQL: see `once`. Needs the extra `postgres` (psycopg)."""

import select
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rtlab.bus.once import KEEP_S, DatabaseOnce, Session
from rtlab.errors import ConfigError, UnreachableError

CONNECT_S = 5
SILENCE_MS = 10_000
IDLE = 8
_MAKING = 7_209_351_604_218_833_117  # of the advisory lock: those who make tables at once wait for each other

_REFUSES = ("does not exist", "authentication failed", "no password supplied", "no pg_hba.conf entry")


class PostgresOnce(DatabaseOnce):
    """Applies effects once in the database at `url`. See `once.DatabaseOnce`; placeholders are `%s`.

    Connections are kept for those who come next, at most IDLE; `close` ends them. UnreachableError when the server
    is away, full or ending, or ended a transaction for a deadlock; ConfigError when it refuses user or database, or
    `url` is no address.
    """

    mark: ClassVar[str] = "%s"

    def __init__(self, url: str, *, keep_s: float = KEEP_S) -> None:
        try:
            known = conninfo_to_dict(url)
        except psycopg.ProgrammingError as problem:
            raise ConfigError(
                "this is not the address of a PostgreSQL", expected="postgresql://user@host:port/database"
            ) from problem
        self.shown = "{}:{}/{}".format(*(known.get(part, "") for part in ("host", "port", "dbname")))
        self._url = url
        self._idle: deque[psycopg.Connection[tuple[object, ...]]] = deque()
        super().__init__(keep_s=keep_s)

    def make(self, statements: Sequence[str]) -> None:
        """Make tables that are not there yet."""
        lock = f"SELECT pg_advisory_xact_lock({_MAKING})"
        super().make((self.begin, lock, *statements, "COMMIT"))

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Open a connection in autocommit; every commit is as safe as the server's `synchronous_commit`."""
        return psycopg.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_S, tcp_user_timeout=SILENCE_MS
        )

    @contextmanager
    def session(self) -> Iterator[Session]:
        """See `DatabaseOnce.session`."""
        connection = None
        try:
            connection = self._kept() or self.connect()
            yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as problem:
            if connection is None and any(word in str(problem) for word in _REFUSES):
                raise ConfigError(f"PostgreSQL at {self.shown} refuses: {problem}") from problem
            raise UnreachableError(f"PostgreSQL at {self.shown} does not do it: {problem}") from problem
        finally:
            if connection is not None:
                self._give_back(connection)

    def close(self) -> None:
        """End the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> "psycopg.Connection[tuple[object, ...]] | None":
        while self._idle:
            connection = self._idle.pop()
            if not select.select([connection.fileno()], [], [], 0)[0]:
                return connection
            connection.close()  # a server has nothing to say to who asks nothing, but that it ended
        return None

    def _give_back(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        is_idle = connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        if is_idle and len(self._idle) < IDLE:
            self._idle.append(connection)
        else:
            connection.close()  # rolls back what was not committed
