"""The account of a subscription: what became of every change that it should have seen. Silent loss is a number.

A source numbers its changes: (epoch, seq), dense. What the server publishes at once is a *head*; where its heads are
not known, every change counts as one. A reader stands at a head, and each message moves it on. Of the heads between
its first state and where it stands,

    heads  =  applied + merged + replaced + unsaid + silent        (books, tickers, bars)

    applied   a message brought the view to exactly this head
    merged    it lies inside of what one increment covers: `first_seq` to `last_seq`
    replaced  a snapshot (or a ticker's row, which is always whole) says: what was before is not needed
    unsaid    a ping's `exact_to` says: nothing changed within your depth
    silent    nobody said anything: the reader moved on over a hole. It must be 0

and of the trades, which are never merged, for their number and for the lots bought and sold each:

    totals where it stands  =  totals where it began + given + dropped

where *given* are the rows that came, and *dropped* is what the totals before a row say beyond what is known. A new
epoch closes the account of the one before: it says that the writer's history ended.

The account believes neither side. It is kept from what the reader says that it has applied and from the pings as they
came; where the reader stands at the end is asked of its view, and what it should hold there of the `Truth`. The other
half of the agreement is the server's: what it counts as sent on a connection is what the account received on it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from rtlab.book import Totals
from rtlab.protocol import Ping, Subscription, Trades
from rtlab.protocol.channels import update_of
from rtlab.protocol.messages import StateMessage


class Heads(NamedTuple):
    """Heads of one source by what became of them for one reader; rows for trades."""

    heads: int = 0
    applied: int = 0
    merged: int = 0
    replaced: int = 0
    unsaid: int = 0
    dropped: int = 0
    silent: int = 0
    epochs: int = 0
    """histories that ended, and were said to"""

    def plus(self, other: "Heads") -> "Heads":
        """Give the sums of both."""
        return Heads(*map(sum, zip(self, other, strict=True)))


class Account:
    """Keeps the account of one subscription. `published` are the source's heads in order; None: every change is one.

    Feed it by `apply` (each message that the reader says it applied) and `ping` (each Ping, before the reader
    has seen it); `close` it where the reader's view stands. `totals` are of trades, where it stands.
    """

    def __init__(self, subscription: Subscription, published: Sequence[int] | None = None) -> None:
        self.subscription = subscription
        self.totals = self.began = self.given = self.dropped = Totals()
        self._published = published
        self._sums = Heads()
        self._epoch, self._from, self._at = 0, 0, 0
        self._begun = False

    @property
    def is_log(self) -> bool:
        """Whether it is of trades."""
        return self.subscription.kind.log

    @property
    def sums(self) -> Heads:
        """Give what became of all heads so far."""
        return self._sums._replace(heads=self._sums.heads + self._between(self._from, self._at))

    @property
    def adds_up(self) -> bool:
        """Whether every head is in exactly one of the sums, none of them is silent, and the lots add up."""
        s = self.sums
        whole = s.heads == s.applied + s.merged + s.replaced + s.unsaid + s.dropped
        lots = tuple(self.totals) == tuple(map(sum, zip(self.began, self.given, self.dropped, strict=True)))
        return whole and lots and not s.silent

    def apply(self, message: StateMessage) -> None:
        """Take in a message that the reader says changed its view."""
        if isinstance(message, Trades):
            self._rows(message)
            return
        update = update_of(message, self.subscription.depth)
        if not self._begun or update.epoch != self._epoch:
            self._begin(update.epoch, update.last_seq)
        elif update.kind == "snapshot":
            self._step(update.last_seq, "replaced")
        else:
            self._hole(update.first_seq - 1)
            self._step(update.last_seq, "merged")

    def ping(self, ping: Ping) -> None:
        """Take in what a ping says about this subscription; only a reader that stands there may move on."""
        head = ping.heads.get(self.subscription.key or -1)
        if head is None or self.is_log or not self._begun or self.subscription.holds_nothing:
            return
        epoch, sent, exact_to = head
        if (epoch, sent) == (self._epoch, self._at) and exact_to > sent:
            self._add("unsaid", self._between(sent, exact_to))
            self._at = exact_to

    def close(self) -> Heads:
        """Give the sums up to where the view says that it stands: what nobody brought it over is silent."""
        view = self.subscription.view
        if self._begun:
            self._hole(view.seq)
            self._add("silent", int((view.epoch, view.seq) != (self._epoch, self._at)))
        return self.sums

    def _rows(self, message: Trades) -> None:
        before = Totals(message.before.seq, message.before.bought, message.before.sold)
        if not self._begun or message.epoch != self._epoch:
            self._begin(message.epoch, before.seq)
            self.totals = self.began = before
            self.given = self.dropped = Totals()
        gap, given = before.less(self.totals), Totals().after(message.trades)
        self.dropped = _sum(self.dropped, gap)
        self.given = _sum(self.given, given)
        self.totals = before.after(message.trades)
        self._add("applied", given.seq)
        self._add("dropped", gap.seq)
        self._add("silent", int(min(gap) < 0))  # what was told before is taken back
        self._at = self.totals.seq
        self._hole(message.last_seq)

    def _begin(self, epoch: int, seq: int) -> None:
        self._sums = self.sums
        self._add("epochs", int(self._begun))
        self._begun, self._epoch, self._from, self._at = True, epoch, seq, seq

    def _hole(self, up_to: int) -> None:
        if up_to > self._at:
            self._add("silent", self._between(self._at, up_to))
            self._at = up_to

    def _step(self, to: int, over: str) -> None:
        if to > self._at:
            self._add("applied", 1)
            self._add(over, self._between(self._at, to) - 1)
            self._at = to

    def _between(self, after: int, up_to: int) -> int:
        if self._published is None or self.is_log:
            return up_to - after
        return bisect_right(self._published, up_to) - bisect_right(self._published, after)

    def _add(self, name: str, count: int) -> None:
        self._sums = self._sums._replace(**{name: getattr(self._sums, name) + count})


def _sum(one: Totals, other: Totals) -> Totals:
    return Totals(*map(sum, zip(one, other, strict=True)))
