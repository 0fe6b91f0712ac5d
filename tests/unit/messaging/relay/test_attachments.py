import asyncio
import secrets

import pytest
from redis.asyncio import Redis
from support.messaging import Person, relaying

from rtlab.messaging.connection import RelayRefused
from rtlab.messaging.encryption.files import SEALED, TAG
from rtlab.messaging.relay.attachments import LARGEST_SEALED, Attachments
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.messages import Attach, Done, Fetch, Put

CHUNKS = [secrets.token_bytes(SEALED), secrets.token_bytes(SEALED), b"the last one of them"]
SIZE = 2 * SEALED + 20
BLOB = "0123456789abcdef" * 2


async def refused(link, kind, **fields) -> str:
    with pytest.raises(RelayRefused) as caught:
        await link.ask(kind, **fields)
    return caught.value.word


async def test_chunks_are_kept_by_their_index_and_given_to_who_knows_the_name():
    one, other = Person(), Person()
    async with relaying() as (relay, url), one.link(url) as ours, other.link(url) as theirs:
        assert (await ours.ask(Attach, blob=BLOB, size=SIZE)).stored == 0
        told = [(await ours.ask(Put, blob=BLOB, index=i, data=CHUNKS[i])).stored for i in (1, 0, 2)]
        assert told == [0, 2, 3]
        given = [(await theirs.ask(Fetch, blob=BLOB, index=i)).data for i in range(3)]
        assert given == CHUNKS
        assert await refused(theirs, Fetch, blob=BLOB, index=3) == "absent"
        assert await refused(theirs, Fetch, blob=BLOB[::-1], index=0) == "absent"
        counted = relay.statistics()
    assert (counted.chunks_stored, counted.chunks_fetched, counted.refused) == (3, 3, 2)


async def test_an_upload_goes_on_where_it_was():
    person = Person()
    async with relaying() as (_, url):
        async with person.link(url) as link:
            await link.ask(Attach, blob=BLOB, size=SIZE)
            await link.ask(Put, blob=BLOB, index=0, data=CHUNKS[0])
        async with person.link(url) as link:
            assert (await link.ask(Attach, blob=BLOB, size=SIZE)).stored == 1
            assert await refused(link, Attach, blob=BLOB, size=SIZE + 1) == "form"


async def test_only_who_began_an_attachment_adds_to_it_and_no_chunk_is_replaced():
    one, other = Person(), Person()
    async with relaying() as (_, url), one.link(url) as ours, other.link(url) as theirs:
        await ours.ask(Attach, blob=BLOB, size=SIZE)
        await ours.ask(Put, blob=BLOB, index=0, data=CHUNKS[0])
        assert await refused(theirs, Attach, blob=BLOB, size=SIZE) == "form"
        assert await refused(theirs, Put, blob=BLOB, index=1, data=CHUNKS[1]) == "absent"
        await ours.ask(Put, blob=BLOB, index=0, data=CHUNKS[1])
        assert (await theirs.ask(Fetch, blob=BLOB, index=0)).data == CHUNKS[0]


@pytest.mark.parametrize(
    ("index", "data"),
    [
        (0, CHUNKS[0][:-1]),
        (1, CHUNKS[0] + b"\0"),
        (2, CHUNKS[2] + b"\0"),
        (2, b""),
        (3, CHUNKS[2]),
        (800, CHUNKS[0]),
    ],
)
async def test_a_chunk_of_another_length_than_was_said_is_refused(index, data):
    async with relaying() as (_, url), Person().link(url) as link:
        await link.ask(Attach, blob=BLOB, size=SIZE)
        assert await refused(link, Put, blob=BLOB, index=index, data=data) == "size"


async def test_sizes_and_names_that_cannot_be_are_refused():
    async with relaying() as (_, url), Person().link(url) as link:
        for size in (0, -1, LARGEST_SEALED + 1, 2**62):
            assert await refused(link, Attach, blob=BLOB, size=size) == "size"
        for name in ("", BLOB[1:], BLOB.upper(), "box:" + BLOB[4:]):
            assert await refused(link, Attach, blob=name, size=1) == "form"
        assert (await link.ask(Attach, blob=BLOB, size=LARGEST_SEALED)).stored == 0


async def test_an_account_and_all_together_have_so_much_room_and_no_more():
    one, other = Person(), Person()
    bounds = {"attachments_bytes": 100_000, "attachments_total_bytes": 150_000}
    async with relaying(**bounds) as (_, url), one.link(url) as ours, other.link(url) as theirs:
        await ours.ask(Attach, blob="1" * 32, size=90_000)
        assert await refused(ours, Attach, blob="2" * 32, size=20_000) == "full"
        assert await refused(theirs, Attach, blob="3" * 32, size=70_000) == "full"
        await theirs.ask(Attach, blob="4" * 32, size=1)  # takes 16 KiB: so there are never too many
        await theirs.ask(Attach, blob="5" * 32, size=40_000)
        assert await refused(theirs, Attach, blob="6" * 32, size=1) == "full"


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_what_has_had_its_time_makes_room_and_is_gone():
    wall = Clock()
    limits = RelayLimits(attachments_bytes=50_000, attachment_life_s=60)
    async with relaying() as (relay, _):
        redis: Redis = relay._redis
        found = Attachments(redis, "p", limits, wall)
        await found.load()
        assert await found.attach("a", Attach(n=1, blob=BLOB, size=40_000)) == Done(1, stored=0)
        assert await found.attach("a", Attach(n=2, blob="1" * 32, size=40_000)) == "full"
        assert 0 < await redis.ttl(f"p:att:{BLOB}") <= 60
        wall.now += 61
        assert await found.attach("a", Attach(n=3, blob="1" * 32, size=40_000)) == Done(3, stored=0)
        assert int(await redis.get("p:attbytes:a")) == int(await redis.get("p:attbytes:")) == 40_000
        await redis.delete(f"p:att:{BLOB}")
        assert await found.put("a", Put(n=4, blob=BLOB, index=0, data=b"late")) == "absent"


async def test_chunks_have_a_pace_of_their_own_and_leave_room_for_messages():
    async with (
        relaying(chunks_per_s=0.001, chunks_burst=2, burst=1000) as (_, url),
        Person().link(url) as link,
    ):
        await link.ask(Attach, blob=BLOB, size=TAG)
        words = [await refused(link, Fetch, blob=BLOB, index=0) for _ in range(5)]
        assert (words[0], words[-1]) == ("absent", "rate")
        assert (await link.ask(Attach, blob=BLOB, size=TAG)).stored == 0


async def test_many_put_at_once_and_all_are_there():
    person, size = Person(), 40 * SEALED
    chunks = [secrets.token_bytes(SEALED) for _ in range(40)]
    async with relaying() as (_, url), person.link(url) as link:
        await link.ask(Attach, blob=BLOB, size=size)
        puts = [link.ask(Put, blob=BLOB, index=i, data=chunk) for i, chunk in enumerate(chunks)]
        told = await asyncio.gather(*puts)
        assert max(done.stored for done in told) == 40
        assert [(await link.ask(Fetch, blob=BLOB, index=i)).data for i in range(20)] == chunks[:20]
