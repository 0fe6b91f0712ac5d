"""Poison of ten kinds: each ends in the dead letters with its reason, and its key goes on in order."""

import asyncio
import threading
import time

import msgspec
import pytest
from support.bus_crowd import Crowd
from support.bus_events import Counted, counted_events, counted_topic, judge, make_account, rows
from support.bus_fixtures import until
from support.bus_servers import RedisServer

from rtlab.bus import Retry, connect
from rtlab.bus.event import MOST_BYTES, Event, pack

QUICK = Retry(tries=3, first_s=0.01, most_s=0.05)


def event(topic, n: int, **changed) -> Event:
    made = topic.event(Counted("k", n), key="k", id=f"k-{n}")
    return msgspec.structs.replace(made, **changed)


async def test_poison_of_eight_kinds_in_one_process_is_buried_and_the_rest_of_its_key_goes_on_in_order(
    tmp_path, capsys
):
    topic, well, free = counted_topic(shards=1), [], threading.Event()

    async def handle(delivery):
        match delivery.body.n:
            case 1:
                raise ValueError("raises")
            case 3:
                await asyncio.sleep(60)
            case 5:
                raise SystemExit(1)
            case 7:
                raise asyncio.CancelledError
            case 9:
                raise MemoryError
        well.append(delivery.body.n)

    kinds = {
        1: ("ValueError: raises", 3, {}),
        3: ("HangError: it had not returned after 0.2 s", 3, {}),
        5: ("ExitError: it wanted to end the process", 3, {}),
        7: ("it raised CancelledError", 3, {}),
        9: ("MemoryError", 3, {}),
        11: ("wrong schema", 1, {"body": b"\xa1x"}),
        13: ("unknown schema version", 1, {"version": 7}),
        15: ("too large", 1, {"body": b"x" * (MOST_BYTES + 1)}),
    }
    with RedisServer(tmp_path / "redis") as server:
        bus = connect(server.url, lease_s=0.6)
        bus.consume(topic, retry=QUICK, hang_s=0.2)(handle)
        async with bus:
            await bus.transport.declare(topic)
            for n in range(17):
                one = event(topic, n, **kinds[n][2]) if n in kinds else event(topic, n)
                await bus.transport.append(topic, 0, pack([one]))
            await until(lambda: 16 in well)
            letters = {letter.event.id: letter for letter in await bus.transport.letters(topic, "main", 100)}
    free.set()
    with capsys.disabled():
        print()
        for letter in letters.values():
            print(f"  {letter.event.id}: after {letter.tries} tries: {letter.reason[:70]}")
    assert well == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert {name: letter.tries for name, letter in letters.items()} == {
        f"k-{n}": tries for n, (_, tries, _) in kinds.items()
    }
    for n, (reason, _, _) in kinds.items():
        assert letters[f"k-{n}"].reason.startswith(reason)


async def test_a_plain_function_that_hangs_is_buried_and_its_key_goes_on(tmp_path):
    topic, well, free = counted_topic(shards=1), [], threading.Event()

    def handle(delivery):
        if delivery.body.n == 1:
            free.wait(30)
            return
        well.append(delivery.body.n)

    with RedisServer(tmp_path / "redis") as server:
        bus = connect(server.url, lease_s=0.6)
        bus.consume(topic, retry=QUICK, hang_s=0.2)(handle)
        async with bus:
            await bus.publish(topic, *counted_events(topic, 3, 1))
            await until(lambda: well == [0, 2])
            (letter,) = await bus.transport.letters(topic, "main", 100)
            assert bus.statistics()["bus_counted_main"].abandoned == 3
            free.set()
    assert (letter.tries, letter.event.id) == (3, "k0-1")
    assert letter.reason.startswith("HangError")


@pytest.mark.parametrize("kind", ["kills_at", "blocks_at"])
@pytest.mark.timeout(120)
async def test_what_kills_or_blocks_its_worker_is_buried_and_its_key_goes_on(tmp_path, kind, capsys):
    topic, path = counted_topic(shards=1), tmp_path / "account.db"
    make_account(path)
    events = counted_events(topic, 8, 1)
    settings = {"database": path, "lease_s": 0.4, "topic": {"shards": 1}, "tries": 2, kind: 4}
    with RedisServer(tmp_path / "redis") as server, Crowd(2, url=server.url, **settings) as crowd:
        async with connect(server.url) as bus:
            await bus.publish(topic, *events)
            began, letters = time.monotonic(), []
            while not letters or len(rows(path)) < 7:
                assert time.monotonic() - began < 100, (len(rows(path)), letters)
                await asyncio.to_thread(crowd.revive)
                letters = await bus.transport.letters(topic, "main", 10)
                await asyncio.sleep(0.1)
    with capsys.disabled():
        print(f"\n{kind}: {[(letter.event.id, letter.tries, letter.reason) for letter in letters]}")
    assert {letter.event.id for letter in letters} == {"k0-4"}
    assert all("its worker died or froze while handling it, 2 times" in letter.reason for letter in letters)
    found = judge(path, [event for event in events if not event.id.endswith("-4")])
    assert found == {"lost": 0, "twice": 0, "broken": 0, "strange": 0}
