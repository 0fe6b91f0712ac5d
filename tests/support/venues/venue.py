"""What all loopback venues have in common: markets, sessions, time, and faults that a test asks for."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import NamedTuple

from support.venues.session import Session
from support.venues.truth import TruthBook

STEP_NS = 50_000_000


class Reply(NamedTuple):
    """An answer by HTTP."""

    status: int
    body: bytes
    retry_after_s: int | None = None


class LoopbackVenue(ABC):
    """Speaks one venue's published protocol without a socket. `now` is in ns, as the caller counts it.

    `limit` refuses that many HTTP requests and connections with `limit_status`; `old_snapshots` are served as of
    the time that `remember` was called; `wrong` book messages have a wrong content or checksum.
    """

    depth = 10_000  # that a client is shown

    def __init__(self, books: list[TruthBook]) -> None:
        self.books = {book.name: book for book in books}
        self.sessions: list[Session] = []
        self.limit, self.limit_status, self.retry_after_s = 0, 429, 1
        self.old_snapshots = self.wrong = 0
        self.limited = 0
        self.steps = 0
        self.now = 0
        self.wall = 1_700_000_000_000_000_000  # ns, at now 0
        self.quiet: set[str] = set()  # names of books that nothing happens in
        self.old: dict[str, object] = {}

    def open(self, path: str) -> Session:
        """A client connects."""
        session = Session(path)
        self.sessions.append(session)
        self.greet(session)
        return session

    def leave(self, session: Session) -> None:
        """A client, or the venue, ended the connection."""
        if session in self.sessions:
            self.sessions.remove(session)

    def is_limited(self) -> bool:
        """Tell whether the next request is refused."""
        if self.limit <= 0:
            return False
        self.limit -= 1
        self.limited += 1
        return True

    def http(self, path: str) -> Reply:
        """Answer a GET."""
        if self.is_limited():
            return Reply(self.limit_status, b'{"code":-1003,"msg":"Too many requests."}', self.retry_after_s)
        return self.answer(path)

    def step(self, now: int) -> None:
        """Let the market move: call it every STEP_NS."""
        self.now = now
        self.steps += 1
        for book in self.books.values():
            if book.name not in self.quiet:
                self.moved(book, book.step())
            book.note(now)
        if self.steps % 3 == 0:
            for book in self.books.values():
                self.traded(book, *book.trade())
        if self.steps % 2 == 0:
            self.flush()
        if self.steps % 20 == 0:
            self.beat()

    def remember(self) -> None:
        """Keep the state as it is, to serve it as a snapshot when it is old."""
        self.old = {name: self.state(book) for name, book in self.books.items()}

    def is_wrong_now(self) -> bool:
        """Tell whether the next book message has a wrong content."""
        if self.wrong <= 0:
            return False
        self.wrong -= 1
        return True

    def time_text(self) -> str:
        """Give the time of the venue as RFC 3339."""
        return time_text(self.wall + self.now)

    def greet(self, session: Session) -> None:  # noqa: B027  # not every venue does
        """Say what the venue says first."""

    @abstractmethod
    def heard(self, session: Session, text: str) -> None:
        """Take a message of a reader in."""

    @abstractmethod
    def answer(self, path: str) -> Reply:
        """Answer by HTTP."""

    @abstractmethod
    def state(self, book: TruthBook) -> object:
        """Give a book as it is now, for an old snapshot."""

    @abstractmethod
    def moved(self, book: TruthBook, changes: list[tuple[int, int, int]]) -> None:
        """Tell what changed of a book."""

    @abstractmethod
    def traded(self, book: TruthBook, trade_id: int, side: int, price: int, qty: int) -> None:
        """Tell of a trade."""

    def flush(self) -> None:  # noqa: B027  # not every venue does
        """Send what was put together since the last time."""

    def beat(self) -> None:  # noqa: B027  # not every venue does
        """Send what comes once a second."""


def time_text(ns: int) -> str:
    """Give ns since 1970 as RFC 3339 with nine digits."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
