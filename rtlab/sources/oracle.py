"""A second channel as the judge of a book: best prices and quantities at equal update ids.

A venue's quotes and its depth updates come over two channels with ids from one counter. Where an update's id
equals a quote's, the book right after that update must show exactly that quote. Three facts meet here, each in
the order of its own channel, but in no order between them (save that a state is reached before it is observed):

    quote(q)              the venue's quote at `q.update_id`
    reached(id, seq)      the book on the producing side stood at `seq` right after the update `id`
    observe(seq, ...)     the book under test showed these best levels when it stood at `seq`

The book under test may be the producer's own or a reader's view at the other end of a socket: `seq` decides the
state. A reader that was given several updates at once never stood between them: such points are `skipped`.
"""

from collections import deque
from typing import NamedTuple

from rtlab.model import Level, Quote

_DIFFERENCES = 20  # kept for the report; all are counted


class OracleStatistics(NamedTuple):
    """Points at which both ids were equal: `points` = `equal` + `different` + `skipped` + `waiting`.

    `forgotten` facts fell out of a full oracle: points among them may never have been seen.
    """

    points: int
    equal: int
    different: int
    skipped: int
    waiting: int
    forgotten: int


class Difference(NamedTuple):
    """A point at which the book did not show the quote. Levels in (ticks, lots), None where a side was empty."""

    update_id: int
    seq: int
    quoted: tuple[Level, Level]
    shown: tuple[Level | None, Level | None]


class _Point(NamedTuple):
    update_id: int
    seq: int
    quoted: tuple[Level, Level]


class QuoteOracle:
    """Joins quotes, updates and observed states. Forgets a fact as soon as no later one can meet it.

    At most `limit` facts of a kind wait for their counterparts; beyond it the oldest are forgotten.
    """

    def __init__(self, *, limit: int = 100_000) -> None:
        self.limit = limit
        self.differences: deque[Difference] = deque(maxlen=_DIFFERENCES)
        self._quotes: deque[Quote] = deque()  # not older than the newest update
        self._reached: deque[tuple[int, int]] = deque()  # (id, seq), not older than the newest quote
        self._points: deque[_Point] = deque()  # the book under test has not come so far
        self._shown: dict[int, tuple[Level | None, Level | None]] = {}  # from the oldest of _reached on
        self._observed_seq = -1
        self._newest_quote = self._newest_update = -1
        self._count = self._equal = self._different = self._skipped = self._forgotten = 0

    @property
    def next_seq(self) -> int | None:
        """The seq at which the book under test has to be observed next; None: no known point waits."""
        return self._points[0].seq if self._points else None

    def quote(self, quote: Quote) -> None:
        """Take the venue's quote; ids must not decrease."""
        update_id = self._newest_quote = quote.update_id
        reached = self._reached
        while reached and reached[0][0] < update_id:
            reached.popleft()
        self._forget()
        if update_id >= self._newest_update:
            self._quotes.append(quote)
            self._bound(self._quotes)
        for last_id, seq in reached:
            if last_id > update_id:
                break
            self._point(quote, seq)

    def reached(self, update_id: int, seq: int) -> None:
        """Take that the producer's book stood at `seq` right after this update; ids must increase."""
        self._newest_update = update_id
        quotes = self._quotes
        while quotes and quotes[0].update_id < update_id:
            quotes.popleft()
        if update_id >= self._newest_quote:
            self._reached.append((update_id, seq))
            self._bound(self._reached)
        for quote in quotes:
            if quote.update_id > update_id:
                break
            self._point(quote, seq)

    def observe(self, seq: int, bid: Level | None, ask: Level | None) -> None:
        """Take what the book under test shows at `seq`; call it for every state that it passes through."""
        points = self._points
        while points and points[0].seq < seq:
            points.popleft()
            self._skipped += 1
        self._observed_seq = seq
        while points and points[0].seq == seq:
            self._judge(points.popleft(), (bid, ask))
        self._shown[seq] = (bid, ask)
        self._forget()

    def statistics(self) -> OracleStatistics:
        """Count the points so far."""
        return OracleStatistics(
            self._count, self._equal, self._different, self._skipped, len(self._points), self._forgotten
        )

    def _point(self, quote: Quote, seq: int) -> None:
        self._count += 1
        quoted = ((quote.bid, quote.bid_qty), (quote.ask, quote.ask_qty))
        point = _Point(quote.update_id, seq, quoted)
        shown = self._shown.get(seq)
        if shown is not None:
            self._judge(point, shown)
        elif seq < self._observed_seq:
            self._skipped += 1
        else:
            self._points.append(point)
            if len(self._points) > self.limit:
                self._points.popleft()
                self._skipped += 1

    def _judge(self, point: _Point, shown: tuple[Level | None, Level | None]) -> None:
        if shown == point.quoted:
            self._equal += 1
        else:
            self._different += 1
            self.differences.append(Difference(*point, shown))

    def _bound(self, facts: deque[Quote] | deque[tuple[int, int]]) -> None:
        if len(facts) > self.limit:
            facts.popleft()
            self._forgotten += 1

    def _forget(self) -> None:
        # a later quote or update can only meet states from here on; the newest stays: it may stand for more ids
        oldest = min(self._reached[0][1], self._observed_seq) if self._reached else self._observed_seq
        shown = self._shown
        while shown and (first := next(iter(shown))) < oldest:
            del shown[first]
