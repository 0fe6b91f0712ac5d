import asyncio

import pytest
from support.messaging import DIRECTORY, Person, relaying

from rtlab.errors import IdentityError, UnreachableError
from rtlab.messaging.connection import RelayRefused, link
from rtlab.messaging.relay.messages import Look, Send


async def test_nobody_answers_is_said_so():
    person = Person()
    with pytest.raises(UnreachableError, match="no relay answers"):
        async with person.link("ws://127.0.0.1:9/messages"):
            pass


async def test_a_relay_of_another_name_is_not_believed():
    person = Person()
    async with relaying() as (_, url):
        with pytest.raises(IdentityError, match="another name"):
            async with link(url, person.device, person.binding, "other.example"):
                pass


async def test_a_device_that_is_not_the_one_of_the_statement_is_refused():
    person, other = Person(), Person()
    async with relaying() as (_, url):
        with pytest.raises(RelayRefused) as refused:
            async with link(url, other.device, person.binding, DIRECTORY):
                pass
        assert refused.value.word == "identity"


async def test_an_expired_statement_is_refused():
    person = Person(now=1_000_000_000)
    async with relaying() as (_, url):
        with pytest.raises(RelayRefused, match="expired"):
            async with person.link(url):
                pass


async def test_answers_find_their_requests_and_the_end_of_the_connection_fails_all():
    one, other = Person(), Person()
    async with relaying() as (_, url), one.link(url) as ours, other.link(url):
        looks = [ours.ask(Look, account=account) for account in (one.account, "eip155:1:0x0", other.account)]
        mine, nobody, theirs = await asyncio.gather(*looks)
        assert (len(mine.entries), nobody.entries, len(theirs.entries)) == (1, [], 1)
        assert mine.entries != theirs.entries
        await ours.close()
        with pytest.raises(UnreachableError):
            await ours.ask(Look, account=one.account)
        with pytest.raises(UnreachableError):
            await ours.mail()


async def test_a_refusal_says_its_word_and_when_to_come_back():
    one, other = Person(), Person()
    async with relaying(burst=3, per_s=1) as (_, url), one.link(url) as ours, other.link(url):
        for _ in range(2):
            await ours.ask(Send, to=[other.public], envelope=one.seal())
        with pytest.raises(RelayRefused) as refused:
            await ours.ask(Send, to=[other.public], envelope=one.seal())
        assert refused.value.word == "rate"
        assert 0 < refused.value.retry_after_s <= 1


async def test_an_answer_that_nobody_waits_for_any_more_ends_nothing():
    person = Person()
    async with relaying() as (_, url), person.link(url) as link:
        for _ in range(20):
            asking = [asyncio.create_task(link.ask(Look, account=person.account)) for _ in range(4)]
            await asking[0]
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        assert (await link.ask(Look, account=person.account)).entries
        await link.close()
        with pytest.raises(UnreachableError, match="has gone"):
            await link.ask(Look, account=person.account)
