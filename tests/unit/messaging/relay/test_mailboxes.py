import asyncio
import os
import signal

import pytest
from redis.asyncio import Redis
from support.messaging import newest_server
from support.waiting import until

from rtlab.embedded import EmbeddedServer
from rtlab.errors import StoreError
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.mailboxes import PAGE, Mailboxes, Outcome, Parcel, Placed
from rtlab.messaging.relay.messages import Send


async def opened(server: EmbeddedServer, redis: Redis, *devices: str, synced: bool = False) -> Mailboxes:
    boxes = Mailboxes(redis, "m", RelayLimits(stranger_messages=1000), synced=synced)
    await boxes.load()
    for device in devices:
        await redis.hset(f"m:dev:{device}", "account", f"account of {device}")
    return boxes


def parcel(n: int, *to: str, sender: str = "s") -> Parcel:
    return Parcel(sender, "friend", b"%016d" % n, Send(n=n, to=list(to), envelope=b"%d" % n))


def commit(n: int, epoch: int, *to: str) -> Parcel:
    send = Send(n=n, to=list(to), envelope=b"%d" % n, group="g", epoch=epoch, members=["s"])
    return Parcel("s", "friend", b"%016d" % n, send)


async def test_parcels_of_all_kinds_are_stored_in_their_order():
    with EmbeddedServer() as server:
        redis = Redis.from_url(server.url)
        boxes = await opened(server, redis, "a", "b")
        parcels = [
            parcel(0, "a"),
            parcel(1, "a", "b"),
            commit(2, 5, "a"),
            parcel(3, "b", "nobody"),
            commit(4, 5, "a"),
        ]
        outcomes = await boxes.store([*parcels, parcel(0, "a")])
        assert outcomes == [
            Outcome(None, [Placed("a", 1, "friend")]),
            Outcome(None, [Placed("a", 2, "friend"), Placed("b", 1, "friend")]),
            Outcome(None, [Placed("a", 3, "friend")], epoch=6),
            Outcome("unknown", [Placed("b", 2, "friend")]),
            Outcome("stale", [], epoch=6),
            Outcome(None, [], duplicates=1),
        ]
        assert [(mail.cursor, mail.envelope) for mail in await boxes.read("a", 0)] == [
            (1, b"0"),
            (2, b"1"),
            (3, b"2"),
        ]
        assert await boxes.read("a", 3) == []
        assert await boxes.forget([("a", 2), ("b", 0), ("nobody", 9)]) == [2, 0, 0]
        assert [mail.cursor for mail in await boxes.read("a", 0)] == [3]
        await redis.aclose()


async def test_a_mailbox_is_read_by_the_page():
    with EmbeddedServer() as server:
        redis = Redis.from_url(server.url)
        boxes = await opened(server, redis, "a")
        await boxes.store([parcel(n, "a") for n in range(PAGE + 50)])
        first = await boxes.read("a", 0)
        assert [mail.cursor for mail in first] == list(range(1, PAGE + 1))
        assert len(await boxes.read("a", first[-1].cursor)) == 50
        await redis.aclose()


async def test_scripts_that_the_server_has_lost_are_loaded_again():
    with EmbeddedServer() as server:
        redis = Redis.from_url(server.url)
        boxes = await opened(server, redis, "a")
        await redis.script_flush()
        assert (await boxes.store([parcel(1, "a")]))[0].placed == [Placed("a", 1, "friend")]
        await redis.aclose()


@pytest.mark.parametrize(("sync", "synced"), [("always", False), ("everysec", True)])
async def test_what_was_stored_outlives_a_kill_of_the_server(tmp_path, sync, synced):
    with EmbeddedServer(tmp_path / "r", sync=sync, binary=newest_server()) as server:
        redis = Redis.from_url(server.url)
        boxes = await opened(server, redis, "a", synced=synced)
        await boxes.store([parcel(n, "a") for n in range(100)])
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: not server.is_running)
        await redis.aclose()
        await asyncio.to_thread(server.start)
        redis = Redis.from_url(server.url)
        boxes = Mailboxes(redis, "m", RelayLimits(stranger_messages=1000))
        await boxes.load()
        assert len(await boxes.read("a", 0)) == 100
        again = await boxes.store([parcel(n, "a") for n in range(101)])
        assert [outcome.duplicates for outcome in again] == [1] * 100 + [0]
        await redis.aclose()


async def test_synced_waits_until_the_file_is_on_the_disk(tmp_path):
    with EmbeddedServer(tmp_path / "r", binary=newest_server()) as server:
        redis = Redis.from_url(server.url)
        boxes = await opened(server, redis, "a", synced=True)
        for n in range(3):
            assert (await boxes.store([parcel(n, "a")]))[0].refused is None
            assert (await redis.execute_command("WAITAOF", 1, 0, 1))[
                0
            ] == 1  # there was nothing left to wait for
        await redis.aclose()


async def test_synced_is_refused_where_the_server_keeps_no_file(tmp_path):
    with EmbeddedServer(tmp_path / "r", binary=newest_server()) as server:
        redis = Redis.from_url(server.url)
        await redis.config_set("appendonly", "no")
        with pytest.raises(StoreError, match=r"cannot tell what is on its disk.*appendonly"):
            await opened(server, redis, "a", synced=True)
        await redis.aclose()
