import asyncio
import time

import pytest
from support.messaging import DIRECTORY, relaying

from rtlab.errors import MessagingError
from rtlab.messaging.connection import RelayRefused
from rtlab.messaging.correspondent import Correspondent, Received
from rtlab.messaging.identity.wallets import local_wallet


def bot(url: str, scheme: str = "solana", seed: bytes = b"\1" * 32) -> Correspondent:
    return Correspondent(url, DIRECTORY, local_wallet(scheme, seed))


async def next_of(reading) -> Received:
    async with asyncio.timeout(20):
        return await anext(reading)


async def test_two_bots_write_to_each_other():
    async with relaying() as (relay, url), bot(url) as one, bot(url, "eip191") as other:
        await one.alert(other.account, "BTC-USD", "above 100,000")
        theirs = other.received()
        account, content = await next_of(theirs)
        assert account == one.account
        assert (content["kind"], content["title"], content["text"]) == ("alert", "BTC-USD", "above 100,000")
        assert abs(content["at"] / 1000 - time.time()) < 60
        await other.say(one.account, "seen")
        ours = one.received()
        account, content = await next_of(ours)
        assert (account, content["text"]) == (other.account, "seen")
        assert one.unreadable == other.unreadable == 0
        assert relay.statistics().stored == 3  # the welcome, the alert, the answer: in one conversation


async def test_a_file_goes_from_bot_to_bot_and_the_relay_has_only_what_it_cannot_read():
    report = b"price,qty\n" * 9_000
    async with relaying() as (relay, url), bot(url) as one, bot(url, "eip191") as other:
        await one.attach(other.account, "report.csv", report, type="text/csv")
        received = await next_of(other.received())
        assert (received.content["kind"], received.content["size"]) == ("file", len(report))
        assert await other.fetch(received) == report
        kept = [await relay._redis.dump(name) for name in await relay._redis.keys("rtlab:msg:*")]
        assert not any(secret in dump for dump in kept for secret in (b"report.csv", b"price,qty\n" * 3))


async def test_an_account_without_a_device_is_refused_and_so_is_the_own():
    async with relaying() as (_, url), bot(url) as one:
        with pytest.raises(RelayRefused, match="no device"):
            await one.say(local_wallet("nep413", b"\2" * 32).account, "hello")
        with pytest.raises(MessagingError, match="somebody else"):
            await one.say(one.account, "hello")


async def test_what_cannot_be_read_is_counted_and_passed_over():
    async with relaying() as (_, url), bot(url) as one, bot(url, "eip191") as other:
        await one.say(other.account, "first")
        reading = other.received()
        await next_of(reading)
        device = next(iter(one._conversations.values())).group
        genuine = one._device.seal(3, device.encrypt(b"no json"))
        from rtlab.messaging.relay.messages import Send

        for envelope in (one._device.seal(3, b"rubbish"), genuine):
            await one._link.ask(Send, to=[other._device.public.hex()], envelope=envelope)
        await one.say(other.account, "second")
        assert (await next_of(reading)).content["text"] == "second"
        assert other.unreadable == 2
