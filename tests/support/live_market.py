"""Engine, market and gateway in the test's own event loop, moved by the test, and what the truth then is."""

import ssl
from types import TracebackType
from typing import Self

from support.command_flow import INSTRUMENTS, Flow, Truth
from support.waiting import until

from rtlab.book import WHOLE, BookView, Market, TapeView
from rtlab.client import Client
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.feed.admission import Admission
from rtlab.protocol import Applied, Limits, Subscription, Trades

INDEX = {instrument.symbol: index for index, instrument in enumerate(INSTRUMENTS)}


class LiveMarket:
    """`step(count)` submits the next commands of the stream `seed` and publishes what they change."""

    def __init__(
        self,
        *,
        seed: int,
        epoch: int = 1,
        port: int = 0,
        limits: Limits | None = None,
        admission: Admission | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.engine, self.market = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch)
        self.gateway = Gateway(self.market, port=port, limits=limits, admission=admission, tls=tls)
        self.truth = Truth(seed)
        self._flow = Flow(seed)

    async def __aenter__(self) -> Self:
        await self.gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.gateway.close()

    def step(self, count: int = 50) -> None:
        self.market.apply(self.engine.process(self._flow.take(count)))
        self.gateway.publish()

    async def caught_up(self, *subscriptions: Subscription) -> None:
        """Wait until each subscription stands at the head of its source."""
        for s in subscriptions:
            source = self.market.source(s.channel, s.instrument, s.asked.interval)
            await until(lambda s=s, source=source: s.is_live and s.view.seq == source.seq)

    def assert_true(self, *subscriptions: Subscription) -> None:
        for subscription in subscriptions:
            assert_true(self.truth, subscription)


def assert_true(truth: Truth, subscription: Subscription) -> None:
    """Assert that a book or a tape is what the engine made, at the sequence where it says that it stands."""
    view, index = subscription.view, INDEX[subscription.instrument]
    if isinstance(view, BookView):
        bids, asks = truth.book(index, view.seq)
        depth = min(view.held, subscription.asked.depth or WHOLE)
        assert (view.bids(), view.asks()) == (bids[:depth], asks[:depth])
    elif isinstance(view, TapeView):
        assert tuple(view.totals) == tuple(truth.sums(index, view.seq))
        newest = truth.trades(index, view.seq)[-len(view.rows) :] if view.rows else []
        if not view.dropped.seq:
            assert [row[1:] for row in view.rows] == newest


async def follow(client: Client, *wishes: tuple[str, str, int | None]) -> list[Subscription]:
    """Subscribe to (channel, instrument, depth) and wait for the first state of each."""
    return [await client.ready(client.subscribe(name, symbol, depth=depth)) for name, symbol, depth in wishes]


class Given(dict[int, tuple[int, ...]]):
    """Trades by number. The tape stood at trade `since` when they began, of which `dropped` had not been given."""

    def __init__(self, view: TapeView) -> None:
        super().__init__()
        self.since, self.dropped = view.totals.seq, view.dropped.seq


def note_trades(client: Client, tape: Subscription) -> Given:
    """Give a dict that fills with each trade by its number; one that comes twice must come as it was."""
    assert isinstance(tape.view, TapeView)
    given = Given(tape.view)

    def note(applied: Applied) -> None:
        if applied.subscription is tape and isinstance(applied.message, Trades):
            for seq, (_, *trade) in enumerate(applied.message.trades, applied.message.before.seq + 1):
                assert given.setdefault(seq, tuple(trade)) == tuple(trade)

    client.on_applied(note)
    return given


def assert_no_silent_loss(truth: Truth, tape: Subscription, given: Given) -> None:
    """Assert that every trade since they were noted was given as it was made, or is counted as dropped."""
    view = tape.view
    assert isinstance(view, TapeView)
    last = view.totals.seq  # a gateway that is behind may have put `seq` back, but not what was given
    made = truth.trades(INDEX[tape.instrument], last)
    assert all(made[seq - 1] == trade for seq, trade in given.items())
    assert last - given.since == len(given) + view.dropped.seq - given.dropped
