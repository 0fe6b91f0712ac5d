"""One seeded run: a gateway, several readers behind bad lines, a schedule of faults, and the verdict on all of it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from rtlab.book import INTERVALS_NS
from rtlab.client import connect
from rtlab.lab.faults.account import Heads
from rtlab.lab.faults.auditor import Auditor
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.lab.faults.schedule import GATEWAY, Fault, begin, draw_schedule, end
from rtlab.lab.faults.stage import Child, Here
from rtlab.lab.faults.verdict import problems_of, problems_of_server
from rtlab.protocol import Encoding, Limits, Subscription
from rtlab.sources.simulated import demo_instruments

LIMITS = Limits(
    heartbeat_s=0.1,
    first_answer_s=0.5,
    relapse_s=2.0,
    evict_after_s=0.6,
    retry_after_s=0.1,
    resync_every_s=0.2,
)
LIMITS_APART = replace(LIMITS, evict_after_s=3.0)
"""Of a process of its own: no fault lasts so long, only a busy machine keeps it from its readers for that time."""
RATE = 2000
SPEEDS = (
    None,
    None,
    None,
    200_000.0,
    30_000.0,
)  # bytes a second of a reader's line when nothing is wrong with it
DEPTHS = (None, 1, 5, 20, 50, 150)

Wish = tuple[str, str, int | None, int]


class Plan(NamedTuple):
    """A run: everything but `seed` is drawn from it."""

    seed: int
    seconds: float = 2.0
    readers: int = 4
    process: bool = False


class Report(NamedTuple):
    """What a run did to whom, and what became of what was published. It holds when there are no `problems`."""

    plan: Plan
    faults: list[Fault]
    sums: Heads
    states: Counter[str]
    resumed: int
    lost: int
    evicted: int
    problems: list[str]

    @property
    def holds(self) -> bool:
        """Whether every book is equal and nothing was lost silently."""
        return not self.problems

    @property
    def lines(self) -> list[str]:
        """Give the report for a person to read."""
        s, states = self.sums, ", ".join(f"{name} {count}" for name, count in sorted(self.states.items()))
        kind = "a process of its own" if self.plan.process else "in this process"
        return [
            f"seed {self.plan.seed}: {self.plan.readers} readers for {self.plan.seconds:g} s, gateway {kind}",
            *(f"  {fault}" for fault in self.faults),
            f"  ladder: {states or 'no state told'}; evicted {self.evicted}",
            f"  connections lost {self.lost}, subscriptions resumed {self.resumed}, new epochs {s.epochs}",
            f"  heads {s.heads:,} = applied {s.applied:,} + merged {s.merged:,} + replaced {s.replaced:,}"
            f" + unsaid {s.unsaid:,} + dropped {s.dropped:,}; silent {s.silent:,}",
            *(f"  PROBLEM: {problem}" for problem in self.problems),
            f"  {'holds' if self.holds else 'DOES NOT HOLD'}: "
            + ("every book equal, silent loss 0" if self.holds else f"{len(self.problems)} problems"),
        ]


class Seat:
    """One reader: its line, its client, and the auditor that watches it."""

    def __init__(
        self, number: int, random: Random, stage: Here | Child, wishes: Sequence[Wish] | None
    ) -> None:
        self.number, self.stage = number, stage
        self.codec: Encoding = random.choice(["msgpack", "packed", "json"])
        self.speed = random.choice(SPEEDS)
        self.wishes = wishes if wishes is not None else _wishes(random)
        self.proxy = LossyProxy(stage.port, seed=random.randrange(1 << 32))
        self.proxy.line.bytes_per_s = self.speed
        self.subscriptions: list[Subscription] = []

    async def open(self) -> None:
        """Connect and subscribe."""
        await self.proxy.__aenter__()
        self.client = connect(self.proxy.url, codec=self.codec, retry=True)
        self.auditor = Auditor(self.client, self.codec, self.stage.published)
        for channel, symbol, depth, interval_ns in self.wishes:
            wish = self.client.subscribe(channel, symbol, depth=depth, interval_ns=interval_ns)
            self.subscriptions.append(wish)
            self.auditor.follow(wish)
        await self.client.__aenter__()

    def heal(self) -> None:
        """Take everything away that is wrong with the line, also its slowness."""
        self.proxy.line.heal()
        self.proxy.refusing = False

    async def close(self) -> None:
        """Leave."""
        await self.client.close()
        await self.proxy.__aexit__(None, None, None)


def _wishes(random: Random) -> list[Wish]:
    symbols = [instrument.symbol for instrument in demo_instruments()]
    wishes: set[Wish] = {("book", random.choice(symbols), random.choice(DEPTHS), 0)}
    for _ in range(random.randint(1, 3)):
        symbol = random.choice(symbols)
        wishes.add(
            random.choice(
                [
                    ("book", symbol, random.choice(DEPTHS), 0),
                    ("trades", symbol, random.choice([10, 400]), 0),
                    ("trades", symbol, 400, 0),
                    ("ticker", symbol, None, 0),
                    ("bars", symbol, 50, INTERVALS_NS["100ms"]),
                ]
            )
        )
    return sorted(wishes, key=str)


class FaultRun:
    """One run of a plan; its stage and what every reader wishes for may be given, else they are drawn."""

    def __init__(
        self, plan: Plan, *, stage: Here | Child | None = None, wishes: Sequence[Wish] | None = None
    ) -> None:
        self.plan, self._wishes = plan, wishes
        self.patience_s = 20.0  # for all to be well after the last fault
        kind, limits = (Child, LIMITS_APART) if plan.process else (Here, LIMITS)
        self.stage = stage if stage is not None else kind(plan.seed, RATE, limits)
        self._random = Random(plan.seed)
        self.faults = draw_schedule(
            self._random, readers=plan.readers, seconds=plan.seconds, process=plan.process
        )
        self.seats: list[Seat] = []

    async def run(self) -> Report:
        """Do everything, wait until all is well again, and judge."""
        try:
            await self.stage.start()
            for number in range(self.plan.readers):
                self.seats.append(Seat(number, self._random, self.stage, self._wishes))
                await self.seats[-1].open()
            async with asyncio.TaskGroup() as group:
                for fault in self.faults:
                    group.create_task(self._strike(fault))
                group.create_task(asyncio.sleep(self.plan.seconds))
            for seat in self.seats:
                seat.heal()
            await self._met()
            await self.stage.settle()
            return self._report(await self._settled())
        finally:
            for seat in self.seats:
                await seat.close()
            await self.stage.close()

    async def _strike(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at_s)
        if fault.whom == GATEWAY:
            await self._strike_gateway(fault)
            return
        seat = self.seats[fault.whom]
        begin(fault, seat.proxy)
        await asyncio.sleep(fault.for_s)
        end(fault, seat.proxy, bytes_per_s=seat.speed)

    async def _strike_gateway(self, fault: Fault) -> None:
        if fault.what == "die":  # no goodbye reaches anybody
            for seat in self.seats:
                seat.proxy.refusing = True
                seat.proxy.cut()
        await self.stage.strike(fault.what, fault.for_s)
        if fault.what == "die":
            for seat in self.seats:
                seat.proxy.refusing = False

    async def _met(self) -> None:
        """Let the market flow until somebody has heard of it: a busy machine may bring no reader in before that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience_s):
                while not self._has_heard:  # noqa: ASYNC110  it happens in four clients
                    await asyncio.sleep(0.01)

    @property
    def _has_heard(self) -> bool:
        return any(seat.auditor.sums.heads for seat in self.seats)

    async def _settled(self) -> list[str]:
        """Wait until every reader is where it should be and the server's counters agree; say what does not."""
        problems: list[str] = []
        try:
            async with asyncio.timeout(self.patience_s):
                while problems := self._unsettled():  # noqa: ASYNC110  it happens in four clients and a server
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return [f"after {self.patience_s:g} s: {problem}" for problem in problems]
        return []

    def _unsettled(self) -> list[str]:
        if behind := self._behind():
            return [f"{behind} has not caught up"]
        if isinstance(self.stage, Here):
            return problems_of_server([seat.auditor for seat in self.seats], self.stage)
        return []

    def _behind(self) -> str:
        """Name the first subscription that is not where it should be; empty when there is none."""
        for seat in self.seats:
            for subscription in seat.subscriptions:
                if not subscription.is_live or not self._is_at_head(subscription):
                    return f"reader {seat.number}'s {subscription.channel} of {subscription.instrument}"
        return ""

    def _is_at_head(self, subscription: Subscription) -> bool:
        if isinstance(self.stage, Child):
            return subscription.view.seq > 0
        source = self.stage.market.source(
            subscription.channel, subscription.instrument, subscription.asked.interval
        )
        return (subscription.view.epoch, subscription.view.seq) == (source.epoch, source.seq)

    def _report(self, problems: list[str]) -> Report:
        problems = problems + problems_of(
            {seat.number: seat.auditor for seat in self.seats}, self.stage.truth()
        )
        if not self._has_heard:
            problems.append("nothing was published: this run proves nothing")
        states: Counter[str] = Counter()
        sums, resumed, lost, evicted = Heads(), 0, 0, 0
        for seat in self.seats:
            found, auditor = seat.client.statistics(), seat.auditor
            sums, states = sums.plus(auditor.sums), states + auditor.states
            resumed, lost, evicted = (
                resumed + found.reader.resumed,
                lost + found.lost,
                evicted + auditor.evicted,
            )
        return Report(self.plan, self.faults, sums, states, resumed, lost, evicted, problems)
