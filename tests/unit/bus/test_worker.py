import asyncio

import msgspec
import pytest
from support.bus_doubles import MemoryHeld, MemoryTransport, entries_of
from support.bus_events import Counted, counted_events, counted_topic

from rtlab.bus.handling import Calls, Options
from rtlab.bus.letters import decode_mark, encode_mark
from rtlab.bus.retry import Retry
from rtlab.bus.tally import Tally
from rtlab.bus.worker import Worker
from rtlab.errors import FencedError, UnreachableError

TOPIC = counted_topic()
QUICK = Retry(tries=3, first_s=0.001, most_s=0.002)


class Run:
    """A worker on a shard in memory; `until(condition)` waits, the end stops it."""

    def __init__(self, held, handler, topic=TOPIC, **options) -> None:
        self.held, self.tally, self.transport = held, Tally(), MemoryTransport()
        chosen = Options(**{"retry": QUICK, **options})
        self.worker = Worker(self.transport, topic, "main", held, Calls(handler, chosen), chosen, self.tally)

    async def __aenter__(self):
        self.task = asyncio.create_task(self.worker.run())
        return self

    async def __aexit__(self, *problem):
        self.worker.stop(5)
        async with asyncio.timeout(10):
            await self.task

    async def until(self, condition) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.002)


async def test_all_are_handled_in_order_per_key_committed_and_the_shard_given_back():
    seen, held = [], MemoryHeld(entries_of(*counted_events(TOPIC, 30, 3)))

    async def handle(delivery):
        await asyncio.sleep(0)
        seen.append((delivery.key, delivery.body.n))

    async with Run(held, handle) as run:
        await run.until(lambda: sum(events for _, events in held.commits) == 30)
    for key in ("k0", "k1", "k2"):
        assert [n for k, n in seen if k == key] == list(range(10))
    assert held.commits[-1][0] == "30"
    assert held.released
    assert (run.tally.handled, run.tally.in_flight) == (30, 0)


async def test_what_fails_is_tried_again_and_buried_with_the_last_error_while_its_key_goes_on_after_it():
    seen, held = [], MemoryHeld(entries_of(*counted_events(TOPIC, 4, 1)))

    async def handle(delivery):
        seen.append((delivery.body.n, delivery.tries))
        if delivery.body.n == 1:
            raise ValueError(f"no {delivery.tries}")

    async with Run(held, handle) as run:
        await run.until(lambda: len(held.commits) and held.commits[-1][0] == "4")
    assert seen == [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0), (3, 0)]
    (letter,) = held.buried
    assert (letter.reason, letter.tries, letter.event.id, letter.group) == (
        "ValueError: no 2",
        3,
        "k0-1",
        "main",
    )
    assert (run.tally.retried, run.tally.dead, run.tally.handled) == (2, 1, 3)


async def test_what_is_not_the_events_fault_counts_as_no_try():
    failures, held = [0], MemoryHeld(entries_of(*counted_events(TOPIC, 1, 1)))

    async def handle(delivery):
        failures[0] += 1
        if failures[0] <= 8:
            raise UnreachableError("the database is away")

    async with Run(held, handle) as run:
        await run.until(lambda: run.tally.handled == 1)
    assert held.buried == []
    assert run.tally.postponed == 8


async def test_a_lease_that_ran_out_and_was_renewed_is_worked_on_though_nothing_new_comes():
    held = MemoryHeld(entries_of(*counted_events(TOPIC, 3, 1)))
    held.lapsed = True
    async with Run(held, lambda delivery: None) as run:
        await run.until(lambda: run.tally.in_flight == 3)
        await asyncio.sleep(0.01)
        assert run.tally.handled == 0
        held.lapsed = False
        await run.until(lambda: run.tally.handled == 3)
    assert held.commits[-1][0] == "3"


async def test_an_unknown_version_and_an_entry_of_garbage_are_buried_at_once_and_others_go_on():
    good = counted_events(TOPIC, 2, 1)
    newer = msgspec.structs.replace(good[0], version=9, id="newer")
    held = MemoryHeld([*entries_of(newer, good[0]), b"\xc1garbage", *entries_of(good[1])])
    seen = []

    async def handle(delivery):
        seen.append(delivery.body.n)

    async with Run(held, handle) as run:
        await run.until(lambda: held.commits and held.commits[-1][0] == "4")
    assert seen == [0, 1]
    reasons = sorted(letter.reason for letter in held.buried)
    assert reasons[0].startswith("not an entry of the bus")
    assert reasons[1] == "unknown schema version: expected 1, got 9"


async def test_a_batch_that_fails_is_handled_one_by_one_and_only_the_poison_is_buried():
    sizes, held = [], MemoryHeld(entries_of(*counted_events(TOPIC, 5, 1)))

    async def handle(deliveries):
        sizes.append(len(deliveries))
        if any(one.body.n == 2 for one in deliveries):
            raise ValueError("poison")

    async with Run(held, handle, batch=10) as run:
        await run.until(lambda: held.commits and held.commits[-1][0] == "5")
    assert [letter.event.id for letter in held.buried] == ["k0-2"]
    assert run.tally.handled == 4
    assert sizes[0] > 1
    assert set(sizes[1:]) <= {1, 2, 3, 4, 5}


async def test_a_suspect_is_marked_before_each_try_and_buried_after_so_many_deaths():
    events = counted_events(TOPIC, 2, 2)
    held = MemoryHeld(entries_of(*events), suspect=True)
    held.mark = encode_mark(events[0].id, 3)
    seen = []

    async def handle(delivery):
        seen.append(delivery.id)

    async with Run(held, handle) as run:
        await run.until(lambda: held.commits and held.commits[-1][0] == "2")
    assert seen == [events[1].id]
    assert "died or froze while handling it, 3 times" in held.buried[0].reason
    assert [decode_mark(mark) for mark in held.notes] == [("", 0), (events[1].id, 1)]
    assert run.tally.dead == 1


async def test_a_suspect_below_the_limit_goes_on_counting_where_the_last_worker_died():
    (event,) = counted_events(TOPIC, 1, 1)
    held = MemoryHeld(entries_of(event), suspect=True)
    held.mark = encode_mark(event.id, 1)
    async with Run(held, lambda delivery: None) as run:
        await run.until(lambda: run.tally.handled == 1)
    assert decode_mark(held.notes[0]) == (event.id, 2)


async def test_while_the_server_is_away_commits_wait_and_come_later():
    held = MemoryHeld(entries_of(*counted_events(TOPIC, 3, 1)))

    async def handle(delivery):
        held.away = True

    async with Run(held, handle) as run:
        await run.until(lambda: run.tally.handled == 3)
        assert held.commits == []
        held.away = False
        await run.until(lambda: held.commits == [("3", 3)])


async def test_a_shard_that_is_lost_ends_the_worker_and_is_counted():
    held = MemoryHeld(entries_of(*counted_events(TOPIC, 3, 1)))
    started = asyncio.Event()

    async def handle(delivery):
        started.set()
        await asyncio.sleep(60)

    async with Run(held, handle) as run:
        await started.wait()
        held.is_lost = True
        async with asyncio.timeout(5):
            await run.task
    assert run.tally.fenced == 1
    assert held.commits == []


async def test_a_handler_that_is_fenced_gives_its_shard_back():
    held = MemoryHeld(entries_of(*counted_events(TOPIC, 1, 1)))

    async def handle(delivery):
        raise FencedError("a newer one writes")

    async with Run(held, handle) as run, asyncio.timeout(5):
        await run.task
    assert held.released
    assert held.commits == []


async def test_a_shard_that_others_want_is_finished_committed_and_given_back():
    held = MemoryHeld(entries_of(*counted_events(TOPIC, 10, 1)))
    free = asyncio.Event()

    async def handle(delivery):
        await free.wait()

    run = Run(held, handle)
    async with run:
        await run.until(lambda: run.tally.in_flight == 10)
        held.is_leaving = True
        free.set()
        async with asyncio.timeout(5):
            await run.task
    assert held.released
    assert held.commits[-1] == ("1", 1)


async def test_entries_for_another_group_are_passed_over():
    from rtlab.bus.event import pack

    (event,) = counted_events(TOPIC, 1, 1)
    held = MemoryHeld([pack([event], "other")[0][0], pack([event], "main")[0][0]])
    seen = []

    async def handle(delivery):
        seen.append(delivery.id)

    async with Run(held, handle) as run:
        await run.until(lambda: held.commits and held.commits[-1][0] == "2")
    assert seen == [event.id]


async def test_what_a_handler_gives_answers_a_request():
    held = MemoryHeld(entries_of(TOPIC.event(Counted("k", 20), key="k", reply="box")))

    async def handle(delivery):
        return delivery.body.n + 1

    async with Run(held, handle) as run:
        await run.until(lambda: run.transport.answers)
    assert run.transport.answers == [("box", msgspec.msgpack.encode(21))]


@pytest.mark.parametrize("raised", [asyncio.CancelledError(), SystemExit(1), MemoryError(), RecursionError()])
async def test_whatever_a_handler_raises_ends_in_the_dead_letters(raised):
    held = MemoryHeld(entries_of(*counted_events(TOPIC, 2, 1)))

    async def handle(delivery):
        if delivery.body.n == 0:
            raise raised

    async with Run(held, handle) as run:
        await run.until(lambda: held.commits and held.commits[-1][0] == "2")
    assert len(held.buried) == 1
    assert held.buried[0].tries == 3
    assert run.tally.handled == 1
