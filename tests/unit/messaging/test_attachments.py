import asyncio
import secrets
from contextlib import asynccontextmanager

import msgspec
import pytest
from support.messaging import Person, relaying

from rtlab.errors import MessagingError, UnreachableError, UnreadableError
from rtlab.messaging.attachments import Attached, Upload, download
from rtlab.messaging.connection import RelayRefused
from rtlab.messaging.encryption.files import CHUNK, LARGEST
from rtlab.messaging.relay.messages import Put

CONTENT = secrets.token_bytes(5 * CHUNK + 99)


@asynccontextmanager
async def sent(**limits):
    """A file that is at the relay, and the relay's own hand on its chunks."""
    sender, reader = Person(), Person()
    async with relaying(**limits) as (relay, url), sender.link(url) as ours, reader.link(url) as theirs:
        attached = await Upload("report.csv", CONTENT, "text/csv").send(ours)
        yield attached, theirs, relay._redis, f"rtlab:msg:att:{attached.blob}"


async def test_a_file_arrives_as_it_was_and_both_sides_hear_how_far_it_is():
    sender, reader, heard = Person(), Person(), []
    async with relaying() as (relay, url), sender.link(url) as ours, reader.link(url) as theirs:
        attached = await Upload("report.csv", CONTENT, "text/csv").send(ours, lambda *how: heard.append(how))
        assert heard == [(n, 6) for n in range(1, 7)]
        heard.clear()
        assert await download(theirs, attached, lambda *how: heard.append(how)) == CONTENT
        assert heard == [(n, 6) for n in range(1, 7)]
        kept = await relay._redis.hgetall(f"rtlab:msg:att:{attached.blob}")
    assert (attached.name, attached.type, attached.size) == ("report.csv", "text/csv", len(CONTENT))
    assert not any(CONTENT[at : at + 32] in b"".join(kept.values()) for at in range(0, len(CONTENT), CHUNK))


async def test_an_upload_that_lost_its_relay_goes_on_with_what_is_missing():
    sender = Person()
    upload = Upload("x", CONTENT)

    def cut(done: int, count: int) -> None:
        if done == 3:
            raise UnreachableError("cut")

    async with relaying() as (relay, url):
        async with sender.link(url) as link:
            with pytest.raises(UnreachableError):
                await upload.send(link, cut)
        before = relay.statistics().chunks_stored
        async with sender.link(url) as link:
            attached = await upload.send(link)
            assert relay.statistics().chunks_stored - before < 6
            assert await download(link, attached) == CONTENT


async def test_a_rate_is_waited_for():
    async with relaying(chunks_per_s=100, chunks_burst=1) as (relay, url), Person().link(url) as link:
        attached = await Upload("x", CONTENT).send(link)
        assert await download(link, attached) == CONTENT
        assert relay.statistics().refused > 0


@pytest.mark.parametrize("what", ["a bit", "another chunk", "truncated", "a bomb"])
async def test_what_a_relay_does_to_a_chunk_is_seen(what):
    async with sent() as (attached, link, redis, key):
        chunk, other = await redis.hmget(key, "2", "3")
        changed = {
            "a bit": chunk[:-1] + bytes([chunk[-1] ^ 1]),
            "another chunk": other,
            "truncated": chunk[:-1],
            "a bomb": chunk * 10,
        }[what]
        await redis.hset(key, "2", changed)
        with pytest.raises(UnreadableError, match=r"not genuine|another length"):
            await download(link, attached)
        await redis.hset(key, "2", chunk)
        assert await download(link, attached) == CONTENT


async def test_a_file_in_the_place_of_another_is_seen():
    async with sent() as (attached, link, redis, key):
        other = await Upload("y", CONTENT[::-1]).send(link)
        await redis.rename(f"rtlab:msg:att:{other.blob}", key)
        with pytest.raises(UnreadableError, match="not genuine"):
            await download(link, attached)


async def test_a_file_that_is_gone_is_told():
    async with sent() as (attached, link, redis, key):
        await redis.hdel(key, "5")
        with pytest.raises(RelayRefused, match="not here, or no more"):
            await download(link, attached)


async def test_a_file_that_is_too_large_is_refused_before_anything_is_sent():
    with pytest.raises(MessagingError, match=f"expected {LARGEST} bytes at most, got {LARGEST + 1}"):
        Upload("x", bytes(LARGEST + 1))


async def test_an_upload_that_is_refused_says_why_and_leaves_no_task():
    async with relaying(attachments_bytes=1000) as (_, url), Person().link(url) as link:
        with pytest.raises(RelayRefused) as caught:
            await Upload("x", CONTENT).send(link)
        assert caught.value.word == "full"
        with pytest.raises(RelayRefused):
            await link.ask(Put, blob="0" * 32, index=0, data=b"")
    assert len(asyncio.all_tasks()) == 1


GOOD = {"name": "a", "type": "", "size": 1, "blob": "0" * 32, "secret": "A" * 43 + "="}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a" * 201},
        {"size": LARGEST + 1},
        {"size": -1},
        {"size": "1"},
        {"blob": "../secret"},
        {"blob": ["0" * 32]},
        {"secret": "AAAA"},
        {"type": 7},
    ],
)
def test_a_message_that_says_otherwise_what_its_file_is_is_refused(wrong):
    assert Attached.of(GOOD | {"id": "1", "kind": "file"}) == msgspec.convert(GOOD, Attached)
    with pytest.raises(UnreadableError, match=f"otherwise.*{next(iter(wrong))}"):
        Attached.of(GOOD | wrong)
