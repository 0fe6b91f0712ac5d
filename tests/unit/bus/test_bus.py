"""What a user of the bus sees, on both engines."""

import asyncio
import os

import pytest
from support.bus_events import Counted, counted_events
from support.bus_fixtures import until

from rtlab.bus import Bus, Options, Retry, connect
from rtlab.errors import BusError, ConfigError, FullError, UnreachableError
from rtlab.telemetry import exposition

QUICK = Retry(tries=2, first_s=0.01, most_s=0.02)


async def test_what_is_published_is_handled_in_order_per_key(url, new_topic):
    topic, seen = new_topic(), []
    async with connect(url, lease_s=0.6) as bus:

        @bus.consume(topic)
        async def handle(delivery):
            seen.append((delivery.key, delivery.body.n))

        await bus.publish(topic, *counted_events(topic, 200, 5))
        await until(lambda: len(seen) == 200)
        for key in {key for key, _ in seen}:
            assert [n for k, n in seen if k == key] == list(range(40))
        await until(lambda: bus.statistics()[f"bus_{topic.name}_main"].in_flight == 0)
        told = bus.statistics()
        assert told["bus"].published == 200
        assert told[f"bus_{topic.name}_main"].handled == 200
        assert f"rtlab_bus_{topic.name}_main_handled 200.0".encode() in exposition(told)


async def test_each_group_has_every_event_and_a_handler_may_be_plain(url, new_topic):
    topic, one, two = new_topic(groups=("one", "two")), [], []
    bus = connect(url, lease_s=0.6)
    bus.consume(topic, "one")(lambda delivery: one.append(delivery.id))
    bus.consume(topic, "two", batch=10)(lambda many: two.extend(delivery.id for delivery in many))
    async with bus:
        events = counted_events(topic, 30, 3)
        await bus.publish(topic, *events)
        await until(lambda: len(one) == len(two) == 30)
    assert set(one) == set(two) == {event.id for event in events}


async def test_what_was_finished_does_not_come_again_and_what_was_not_does(url, new_topic):
    topic, seen = new_topic(), []
    first = connect(url, lease_s=0.6)
    first.consume(topic)(lambda delivery: seen.append(delivery.id))
    async with first:
        await first.publish(topic, *counted_events(topic, 20, 3))
        await until(lambda: len(seen) == 20)
    async with connect(url) as between:
        await between.publish(topic, topic.event(Counted("late", 1), key="late", id="late"))
    second = connect(url, lease_s=0.6)
    second.consume(topic)(lambda delivery: seen.append(delivery.id))
    async with second:
        await until(lambda: "late" in seen)
    assert len(seen) == 21


async def test_a_poison_event_is_buried_listed_and_replayed_to_its_group_alone(url, new_topic):
    topic, well, others = new_topic(groups=("main", "other")), [], []
    heal = asyncio.Event()

    async def handle(delivery):
        if delivery.body.n == 1 and not heal.is_set():
            raise ValueError("poison")
        well.append(delivery.body.n)

    bus = connect(url, lease_s=0.6)
    bus.consume(topic, "main", retry=QUICK)(handle)
    bus.consume(topic, "other")(lambda delivery: others.append(delivery.body.n))
    async with bus:
        await bus.publish(topic, *counted_events(topic, 3, 1))
        await until(lambda: well == [0, 2])
        (letter,) = await bus.transport.letters(topic, "main", 10)
        assert (letter.reason, letter.tries, letter.event.id) == ("ValueError: poison", 2, "k0-1")
        assert await bus.transport.letters(topic, "other", 10) == []
        heal.set()
        assert await bus.replay(topic, ids=["not there"]) == 0
        assert await bus.replay(topic, "main") == 1
        await until(lambda: well == [0, 2, 1])
        assert await bus.transport.letters(topic, "main", 10) == []
    assert sorted(others) == [0, 1, 2]


async def test_our_own_server_is_none_that_is_too_old(tmp_path, monkeypatch, new_topic):
    old, marker = tmp_path / "redis-server", tmp_path / "started"
    old.write_text(f"#!/bin/sh\n[ $1 = --version ] && echo Redis server v=6.2.14 sha=0 || touch {marker}\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with connect() as bus:
        await bus.publish(new_topic(), *counted_events(new_topic(), 1, 1))
    assert not marker.exists()


async def test_dead_letters_that_are_purged_are_gone(url, new_topic):
    topic = new_topic()

    def handle(_):
        raise ValueError("poison")

    bus = connect(url, lease_s=0.6)
    bus.consume(topic, retry=QUICK)(handle)
    async with bus:
        await bus.publish(topic, *counted_events(topic, 3, 3))
        await until(lambda: bus.statistics()[f"bus_{topic.name}_main"].dead == 3)
        assert await bus.transport.take_letters(topic, "main", ["k1-0"], replay=False) == 1
        left = await bus.dead_letters(topic)
        assert sorted(letter.event.id for letter in left) == ["k0-0", "k2-0"]
        assert {letter.reason for letter in left} == {"ValueError: poison"}
        assert await bus.dead_letters(topic, "main", most=1) == left[:1]
        for ask in (bus.dead_letters, bus.replay):
            with pytest.raises(BusError, match="has no such group: expected one of main, got mian"):
                await ask(topic, "mian")


async def test_a_request_is_answered_and_one_that_nobody_answers_times_out(url, new_topic):
    topic = new_topic()
    async with connect(url, lease_s=0.6) as bus:
        with pytest.raises(UnreachableError, match="no answer within"):
            await bus.request(topic, Counted("k", 1), key="k", timeout_s=0.3)

        @bus.consume(topic)
        async def double(delivery):
            return {"twice": 2 * delivery.body.n}

        assert await bus.request(topic, Counted("k", 21), key="k", timeout_s=10) == {"twice": 42}


async def test_a_delayed_event_comes_after_its_delay_and_not_before(url, new_topic):
    topic, seen = new_topic(), []
    loop = asyncio.get_running_loop()
    bus = connect(url, lease_s=0.6)

    @bus.consume(topic)
    async def handle(delivery):
        seen.append((delivery.id, loop.time()))

    async with bus:
        sent = loop.time()
        await bus.publish(topic, topic.event(Counted("k", 1), key="k", id="late"), after_s=0.4)
        await bus.publish(topic, topic.event(Counted("k", 1), key="k", id="now"))
        await until(lambda: len(seen) == 2)
    assert [name for name, _ in seen] == ["now", "late"]
    assert seen[1][1] - sent >= 0.39


async def one_by_one(bus, topic, events):
    for event in events:
        await bus.publish(topic, event)


async def test_a_full_topic_refuses_and_goes_on_when_there_is_room(url, new_topic):
    topic, seen = new_topic(shards=1, limit=5, full="refuse"), []
    async with connect(url, lease_s=0.6) as bus:
        with pytest.raises(FullError, match="has no room in shard 0"):
            await one_by_one(bus, topic, counted_events(topic, 50, 1))
        bus.consume(topic)(lambda delivery: seen.append(delivery.id))
        await until(lambda: len(seen) >= 5)
        await until(lambda: bus.statistics()[f"bus_{topic.name}_main"].in_flight == 0)
        await asyncio.sleep(0)
        await bus.publish(topic, topic.event(Counted("k", 99), key="k", id="again"))
        await until(lambda: "again" in seen)


async def test_a_topic_with_other_shards_is_refused_and_topics_are_listed(url, new_topic):
    topic = new_topic(shards=2, groups=("a", "b"))
    async with connect(url) as bus:
        await bus.publish(topic, topic.event(Counted("k", 1), key="k"))
        (known,) = [one for one in await bus.transport.topics() if one.name == topic.name]
        assert (known.groups, known.shards) == (("a", "b"), 2)
        backlog = await bus.transport.backlog(topic, "a")
        assert backlog.events == 1
    async with connect(url) as other:
        with pytest.raises(BusError, match="another number of shards"):
            await other.publish(new_topic_like(topic), topic.event(Counted("k", 1), key="k"))


def new_topic_like(topic):
    return type(topic)(name=topic.name, type=topic.type, shards=3, groups=topic.groups)


async def test_lag_and_age_are_told_and_raise_the_alarm(url, new_topic):
    topic, free = new_topic(shards=1, alarm_s=0.2), asyncio.Event()

    async def handle(_):
        await free.wait()

    bus = connect(url, lease_s=0.6)
    bus.consume(topic)(handle)
    async with bus:
        await bus.publish(topic, *counted_events(topic, 3, 1))
        name = f"bus_{topic.name}_main"
        await until(lambda: bus.statistics()[name].alarm)
        assert bus.statistics()[name].oldest_s > 0.2
        free.set()
        await until(lambda: not bus.statistics()[name].alarm)
        assert bus.statistics()[name].lag == 0


def test_other_addresses_and_groups_are_refused(new_topic):
    with pytest.raises(ConfigError, match="expected embedded, redis://, unix:// or amqp://, got http://x"):
        connect("http://x")
    with pytest.raises(BusError, match="has no such group"):
        connect("redis://127.0.0.1:1").consume(new_topic(), "nobody")(print)
    assert Options().batch == 1


@pytest.mark.parametrize("nobody", ["redis://127.0.0.1:1", "amqp://127.0.0.1:1/"])
async def test_nobody_there_is_said_at_once(nobody):
    with pytest.raises(UnreachableError):
        async with connect(nobody):
            pass


async def test_the_embedded_bus_keeps_its_events_in_its_folder(tmp_path, new_topic):
    topic, seen = new_topic(), []
    async with connect(folder=tmp_path / "bus") as bus:
        await bus.publish(topic, topic.event(Counted("k", 1), key="k", id="kept"))
    again: Bus = connect(folder=tmp_path / "bus", lease_s=0.6)
    again.consume(topic)(lambda delivery: seen.append(delivery.id))
    async with again:
        await until(lambda: seen == ["kept"])


async def test_waiting_lasts_as_long_as_the_consumers_work(redis_url, new_topic):
    bus = connect(redis_url, lease_s=0.6)
    bus.consume(new_topic())(lambda delivery: None)
    async with bus:
        waiting = asyncio.create_task(bus.wait())
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
