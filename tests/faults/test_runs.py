"""Seeded runs of everything that goes wrong: every book equal, silent loss 0, and proof that the verdict can fail."""

import asyncio
import os

import pytest

from rtlab.book import Market, Tape, Totals
from rtlab.lab.faults.account import Heads
from rtlab.lab.faults.run import LIMITS, RATE, FaultRun, Plan, Report
from rtlab.lab.faults.stage import Here

RUNS = int(os.environ.get("RTLAB_ROUNDS", "30"))
AT_ONCE = 8
PROCESS_EVERY = 20  # of these runs one breaks a process of its own

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(120 + 4 * RUNS)]


def plan(seed: int) -> Plan:
    in_process = seed % PROCESS_EVERY == 0
    return Plan(seed, seconds=3.0 if in_process else 2.0, readers=4, process=in_process)


async def test_in_every_run_all_books_are_equal_and_nothing_is_lost_silently():
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> Report:
        async with turns:
            return await FaultRun(plan(seed)).run()

    reports = await asyncio.gather(*(one(seed) for seed in range(1, RUNS + 1)))
    failed = ["\n".join(report.lines) for report in reports if not report.holds]
    assert not failed, "\n".join(failed)
    total, states = Heads(), set()
    for report in reports:
        total = total.plus(report.sums)
        states |= set(report.states)
    # runs in which nothing went wrong would prove nothing
    assert total.silent == 0
    assert min(total.applied, total.merged, total.replaced, total.dropped) > 0
    assert "LAGGING" in states
    assert sum(report.lost for report in reports) > RUNS
    assert sum(report.resumed for report in reports) > RUNS


async def test_a_run_goes_on_until_a_reader_has_heard_of_the_market():
    report = await FaultRun(Plan(3, seconds=0.0, readers=2)).run()
    assert report.holds, "\n".join(report.lines)
    assert report.sums.heads > 0


class Forgetful(Tape):
    """A server's tape that leaves a row out, and forgets to say how many lots it was of."""

    def since(self, epoch, seq, depth, held):
        update = super().since(epoch, seq, depth, held)
        if update is None or update.kind == "snapshot" or len(update.body[1]) < 2:
            return update
        before, rows = update.body
        return update._replace(body=(Totals(before.seq + 1, before.bought, before.sold), rows[1:]))


class Renumbering(Tape):
    """A server's tape that leaves a row out, and numbers the rest as if it had never been."""

    def extend(self, rows):
        super().extend([row for i, row in enumerate(rows) if i or self.totals.seq % 7])


@pytest.mark.parametrize("tape", [Forgetful, Renumbering])
async def test_a_server_that_forgets_a_dropped_row_is_caught(tape):
    def market(instruments):
        made = Market(instruments, 1)
        for symbol in made.symbols:
            made.state(symbol).tape = tape(epoch=1)
        return made

    stage, wishes = Here(5, RATE, LIMITS, make_market=market), [("trades", "BTC-USD", 400, 0)]
    run = FaultRun(Plan(5, seconds=1.0, readers=3), stage=stage, wishes=wishes)
    run.patience_s = 0.5
    report = await run.run()
    assert any("trades and lots" in problem for problem in report.problems), report.lines


async def test_a_client_that_silently_skips_an_increment_is_caught():
    skipped = []

    class Skipping:
        """A view that takes every tenth increment for known, and says that it stands after it."""

        def __init__(self, view):
            self._apply, self._view, self._count = view.apply, view, 0

        def __call__(self, update):
            self._count += 1
            if self._count % 10:
                self._apply(update)
            else:
                self._view.seq, self._view.held = update.last_seq, update.depth
                skipped.append(update)

    run = FaultRun(Plan(6, seconds=1.0, readers=2), wishes=[("book", "BTC-USD", 150, 0)])

    def spoil():
        for seat in run.seats:
            for subscription in seat.subscriptions:
                subscription.view.apply = Skipping(subscription.view)

    asyncio.get_running_loop().call_later(0.3, spoil)
    report = await run.run()
    assert skipped
    assert any("book" in problem or "checksum" in problem for problem in report.problems), report.lines


def test_a_report_names_its_seed_and_its_schedule():
    run = FaultRun(plan(7))
    report = Report(run.plan, run.faults, Heads(), {}, 0, 0, 0, ["reader 1: 3 gaps"])
    text = "\n".join(report.lines)
    assert "seed 7" in text
    assert all(str(fault) in text for fault in run.faults)
    assert "DOES NOT HOLD" in text


def test_the_same_seed_draws_the_same_run_and_another_seed_another():
    first, again, other = (FaultRun(plan(seed)).faults for seed in (7, 7, 8))
    assert first == again != other
