"""The alert desk of a lab: looks its rules over, hands what they say to the bus, and shows what comes back.

What a rule says is published on the bus at once, and whoever is told has it from there: the desk itself (`recent`,
the rule's own `then`, and pages) as one group, the webhooks as another. So an alert that was said is neither lost
while a webhook is down, nor shown before it is safe.
"""

import asyncio
import logging
import secrets
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from rtlab.alerts import Alert, Loss, Rest, Rule, Said, Sight, Silence, Webhook, alerts_topic
from rtlab.alerts.alert import HOOK, PAGE
from rtlab.book import TickerView
from rtlab.bus import Bus, DeadLetter, Delivery, Retry, connect
from rtlab.bus.cancelling import cancelled
from rtlab.bus.event import Event
from rtlab.errors import RtlabError, UnreachableError
from rtlab.lab.hub import Followed, Handler, Hub, Wish
from rtlab.lab.loop import LabLoop, runs_here

if TYPE_CHECKING:
    from rtlab.views.alert_list import AlertList

log = logging.getLogger("rtlab.alerts")

LOOK_S = 0.1
"""How often time and losses are looked at; prices at every change."""
START_S = 30.0
LEAVE_S = 1.0
MOST_WAITING = 1000
KEPT = 200
PAGE_RETRY = Retry(tries=3, first_s=0.05, most_s=1.0)
HOOK_RETRY = Retry(tries=6, first_s=0.2, most_s=10.0)

Told = Callable[[Alert], object]


class AlertStatistics(NamedTuple):
    """`said` by rules, of which `published` are safe on the bus, `waiting` are on their way to it, and `unsent` found
    no room there (more than MOST_WAITING waited). `shown` came back from it; functions (`then`) and webhooks took
    `told`, each for itself, and failed so often. `merged` came too soon after one that was said, and are told with the
    next.
    """

    rules: int
    said: int
    published: int
    waiting: int
    unsent: int
    shown: int
    told: int
    failed: int
    merged: int


class Watch:
    """A rule at work. `end` it; `said` counts how often it spoke, `merged` what was too soon to be told by itself.

    `await` it to know that the desk is ready.
    """

    def __init__(
        self, desk: "Alerts", rule: Rule, webhook: str, then: Told | None, *, rest_s: float = 0.0
    ) -> None:
        self.rule, self.webhook, self.then = rule, webhook, then
        self.id = secrets.token_hex(6)
        self.said = 0
        self.rest = Rest(rest_s)
        self.followed: Followed | None = None
        self.handler: Handler = lambda _: desk.look(self)
        self._desk = desk

    def end(self) -> None:
        """Look no more. Idempotent."""
        self._desk.end(self)

    @property
    def merged(self) -> int:
        """How often it spoke too soon after it had spoken."""
        return self.rest.merged

    async def ready(self) -> Self:
        """Wait until the desk can tell; the errors of the bus when it cannot."""
        await self._desk.ready()
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self.ready().__await__()

    def __repr__(self) -> str:
        return f"<alert on {self.rule}: said {self.said} times>"


class Alerts:
    """All alerts of one lab; `recent` are the last KEPT ones that came back from the bus, the newest last."""

    def __init__(
        self,
        loop: LabLoop,
        hub: Hub,
        link: Callable[[], tuple[float, int]],
        *,
        bus_url: str,
        name: str,
    ) -> None:
        self.recent: deque[tuple[int, Alert]] = deque(maxlen=KEPT)
        self._loop, self._hub, self._link = loop, hub, link
        self._topic, self._bus_url = alerts_topic(name), bus_url
        self._watches: dict[str, Watch] = {}
        self._said = self._published = self._unsent = self._shown = self._merged = 0
        self._told = self._failed = 0  # by functions; the webhooks count their own
        self._outbox: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)
        self._listeners: list[Callable[[int, Alert], None]] = []
        self._seen: deque[str] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._webhook = Webhook()
        self._bus: Bus | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: Future[None] = loop.start(self._start())
        if not runs_here():
            self._starting.result(START_S)

    def watch(self, rule: Rule, *, webhook: str = "", then: Told | None = None, rest_s: float = 0.0) -> Watch:
        """Look a rule over from now on; `then` is called, in a thread, with each alert that is safe on the bus.

        What the rule says within `rest_s` of what it said last is told when they are over, as one alert.
        """
        watch = Watch(self, rule, webhook, then, rest_s=rest_s)
        self._loop.call(lambda: self._begin(watch))
        return watch

    def end(self, watch: Watch) -> None:
        """See Watch."""
        self._loop.call(lambda: self._forget(watch))

    @property
    def watches(self) -> list[Watch]:
        """The rules at work."""
        return list(self._watches.values())

    def on_alert(self, listener: Callable[[int, Alert], None]) -> None:
        """Call `listener(ts_event, alert)` for each alert that is safe on the bus, in a thread; each once."""
        self._listeners.append(listener)

    def view(self, *, theme: str = "light") -> "AlertList":
        """Give the list of alerts, live, for a notebook's cell or a page."""
        from rtlab.views.alert_list import AlertList  # late: panel costs seconds

        made = AlertList(theme=theme)
        with self._lock:
            for ts, alert in self.recent:
                made.append(ts, alert)
            hold = weakref.WeakMethod(made.append)

            def pass_on(ts: int, alert: Alert) -> None:
                append = hold()
                if append is None:
                    self._listeners.remove(pass_on)
                else:
                    append(ts, alert)

            self._listeners.append(pass_on)
        return made

    def _repr_mimebundle_(self, *arguments: object, **named: object) -> object:
        return self.view()._repr_mimebundle_(*arguments, **named)  # type: ignore[no-untyped-call]

    async def ready(self) -> Self:
        """Wait until the bus is there; its errors when it cannot be."""
        await asyncio.wrap_future(self._starting)
        return self

    def statistics(self) -> AlertStatistics:
        """Count what became of all that was said."""
        hook = self._webhook.statistics()
        return AlertStatistics(
            rules=len(self._watches),
            said=self._said,
            published=self._published,
            waiting=self._said - self._published - self._unsent,
            unsent=self._unsent,
            shown=self._shown,
            told=self._told + hook.told,
            failed=self._failed + hook.failed,
            merged=self._merged + sum(watch.merged for watch in self.watches),
        )

    def bus_statistics(self) -> Mapping[str, NamedTuple]:
        """Count what the bus did, by group: also what became a dead letter."""
        return self._bus.statistics() if self._bus is not None else {}

    async def dead_letters(self, group: str | None = None) -> list[DeadLetter]:
        """Give the alerts that nobody took after all tries, with why, the oldest first; on any event loop.

        `group` is "webhook", or "page" for those whose `then` raised; both where none is given, BusError for another.
        """
        return await self._loop.awaitable(self._letters(group))

    def dead_letters_blocking(self, group: str | None = None, timeout_s: float = 10.0) -> list[DeadLetter]:
        """Give the same where no event loop runs; UnreachableError when the bus does not answer in `timeout_s`."""
        try:
            return self._loop.wait(self._letters(group), timeout_s)
        except TimeoutError:
            raise UnreachableError(f"the bus of the alerts did not answer within {timeout_s:g} s") from None

    async def _letters(self, group: str | None) -> list[DeadLetter]:
        if self._bus is None:
            return []
        groups = self._topic.groups if group is None else (group,)
        letters = [one for of in groups for one in await self._bus.dead_letters(self._topic, of, KEPT)]
        return sorted(letters, key=lambda letter: letter.ts)

    async def close(self) -> None:
        """End all rules, publish what was said, and leave the bus. Idempotent."""
        for watch in self.watches:
            self._forget(watch)
        self._starting.cancel()
        tasks, self._tasks = self._tasks, []
        if tasks:
            with suppress(TimeoutError):  # a bus that is away: what was said is lost to it
                await asyncio.wait_for(self._outbox.join(), LEAVE_S)
        await cancelled(*tasks)
        bus, self._bus = self._bus, None
        if bus is not None:
            await bus.close()

    def __repr__(self) -> str:
        lines = [repr(watch) for watch in self.watches]
        lines += [f"{alert.text}" for _, alert in list(self.recent)[-5:]]
        return "\n".join(lines) or "<no alerts>"

    async def _start(self) -> None:
        bus = await asyncio.to_thread(connect, self._bus_url)
        bus.consume(self._topic, PAGE, retry=PAGE_RETRY)(self._show)
        bus.consume(self._topic, HOOK, retry=HOOK_RETRY)(self._webhook)
        try:
            await bus.__aenter__()
        except RtlabError as problem:
            log.error("alerts cannot be told: %s", problem)
            raise
        self._bus = bus
        self._tasks = [asyncio.create_task(self._publish_on()), asyncio.create_task(self._look_on())]

    def _begin(self, watch: Watch) -> None:
        self._watches[watch.id] = watch
        wish = Wish("ticker", watch.rule.instrument.symbol)
        watch.followed = self._hub.follow(wish, watch.handler)
        self.look(watch)

    def _forget(self, watch: Watch) -> None:
        if self._watches.pop(watch.id, None) is not None and watch.followed is not None:
            self._tell(watch, watch.rest.over(time.monotonic()))
            self._merged += watch.merged
            self._hub.leave(watch.followed, watch.handler)

    def look(self, watch: Watch) -> None:
        """Look one rule over, on the lab's loop."""
        subscription = watch.followed.subscription if watch.followed is not None else None
        view = subscription.view if subscription is not None else None
        silent_s, losses = self._link()
        sight = Sight(silent_s=silent_s, losses=losses)
        if isinstance(view, TickerView) and view.held:
            sight = sight._replace(row=view.row)
        self._tell(watch, watch.rest.take(watch.rule.look(sight), time.monotonic()))

    def _tell(self, watch: Watch, said: Said | None) -> None:
        if said is None:
            return
        watch.said += 1
        self._said += 1
        symbol = watch.rule.instrument.symbol
        alert = Alert(watch.id, symbol, said.text, said.value, watch.webhook, time.time_ns())
        event = self._topic.event(alert, key=f"{symbol} {watch.webhook}", id=f"{watch.id}-{watch.said}")
        try:
            self._outbox.put_nowait(event)
        except asyncio.QueueFull:
            self._unsent += 1
            log.error("an alert found no room and is lost to the bus: %s", alert.text)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for watch in self.watches:
                if isinstance(watch.rule, Silence | Loss):
                    self.look(watch)
                else:
                    self._tell(watch, watch.rest.take(None, time.monotonic()))

    async def _publish_on(self) -> None:
        assert self._bus is not None
        while True:
            event = await self._outbox.get()
            while True:
                try:
                    await self._bus.publish(self._topic, event)
                    break
                except UnreachableError as problem:  # it waits, and is published again under the same id
                    log.warning("an alert waits: %s", problem)
                    await asyncio.sleep(LOOK_S)
            self._published += 1
            self._outbox.task_done()

    def _show(self, delivery: Delivery[Alert]) -> None:
        # in a thread of the bus; what raises here is tried again, then a dead letter
        with self._lock:
            is_new = delivery.id not in self._seen
            if is_new:
                self._seen.append(delivery.id)
                self._shown += 1
                self.recent.append((delivery.ts_event, delivery.body))
        if is_new:
            for listener in tuple(self._listeners):
                listener(delivery.ts_event, delivery.body)
        watch = self._watches.get(delivery.body.rule)
        if watch is not None and watch.then is not None:
            self._call(watch.then, delivery.body)

    def _call(self, then: Told, alert: Alert) -> None:
        try:
            then(alert)
        except BaseException:
            with self._lock:
                self._failed += 1
            raise
        with self._lock:
            self._told += 1
