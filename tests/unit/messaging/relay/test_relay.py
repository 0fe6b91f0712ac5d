import asyncio
import os
import time
from contextlib import AsyncExitStack

import pytest
from support.messaging import DIRECTORY, Person, relaying
from support.waiting import until

from rtlab.errors import UnreachableError
from rtlab.messaging.connection import RelayRefused
from rtlab.messaging.encryption.envelope import Kind
from rtlab.messaging.relay.messages import Consent, Fleeting, Mail, Publish, Revoke, Send


async def test_an_envelope_is_stored_acknowledged_and_pushed():
    one, other = Person(), Person("eip191")
    async with relaying() as (relay, url), one.link(url) as ours, other.link(url) as theirs:
        sealed = one.seal(b"hello")
        await ours.ask(Send, to=[other.public], envelope=sealed)
        mail = await theirs.mail()
        assert mail == Mail(1, sealed, one.account)
        await theirs.acknowledge(1)
        counted = relay.statistics()
        assert (counted.stored, counted.delivered, counted.acknowledged, counted.online) == (1, 1, 1, 2)


async def test_any_number_of_devices_acknowledge_at_once_and_of_each_the_last_counts():
    people = [Person() for _ in range(20)]
    async with relaying(tasks=8) as (relay, url), AsyncExitStack() as stack:
        links = [await stack.enter_async_context(person.link(url)) for person in people]
        for person, link in zip(people, links, strict=True):
            for _ in range(3):
                await link.ask(Send, to=[person.public], envelope=person.seal())
        await asyncio.gather(*(link.acknowledge(upto) for link in links for upto in (1, 3, 2)))
        counted = relay.statistics()
        assert (counted.acknowledged, counted.refused) == (60, 0)
    async with relaying() as (relay, url), people[0].link(url) as link:
        relay._boxes.forget = _away
        with pytest.raises(RelayRefused, match="store does not answer"):
            await link.acknowledge(1)
        assert relay.statistics().store_failures == 1


async def _away(read):
    raise ConnectionError("away")


async def test_what_came_while_away_waits_in_order_and_until_it_is_acknowledged():
    one, other = Person(), Person()
    async with relaying(burst=1000) as (_, url):
        async with other.link(url) as theirs:
            await theirs.ask(Consent, account=one.account, verdict="accept")
        async with one.link(url) as ours:
            await asyncio.gather(
                *(ours.ask(Send, to=[other.public], envelope=one.seal(b"%d" % n)) for n in range(450))
            )
        for _ in range(2):
            async with other.link(url) as theirs:
                got = [await theirs.mail() for _ in range(450)]
                assert [mail.cursor for mail in got] == list(range(1, 451))
                assert [mail.envelope[57:-64] for mail in got] == [b"%d" % n for n in range(450)]
        async with other.link(url, after=440) as theirs:
            assert (await theirs.mail()).cursor == 441
            await theirs.acknowledge(450)
        async with other.link(url) as theirs, one.link(url) as ours:
            assert theirs.ready.cursor == 450
            await ours.ask(Send, to=[other.public], envelope=one.seal(b"new"))
            assert (await theirs.mail()).cursor == 451


async def test_an_envelope_that_comes_again_is_kept_once_and_a_sender_pushes_out_no_other():
    one, two, other = Person(), Person(), Person()
    limits = {"sender_memory": 3, "stranger_messages": 100}
    async with (
        relaying(**limits) as (relay, url),
        one.link(url) as ours,
        two.link(url) as theirs,
        other.link(url) as reading,
    ):
        mine = one.seal(b"mine")
        await ours.ask(Send, to=[other.public], envelope=mine)
        for n in range(10):
            await theirs.ask(Send, to=[other.public], envelope=two.seal(b"%d" % n))
        await ours.ask(Send, to=[other.public], envelope=mine)
        assert relay.statistics().duplicates == 1
        assert [(await reading.mail()).cursor for _ in range(11)] == list(range(1, 12))


async def test_the_same_identifier_of_another_sender_is_another_envelope():
    one, two, other = Person(), Person(), Person()
    async with relaying() as (relay, url), one.link(url) as ours, two.link(url) as theirs, other.link(url):
        for person, link in ((one, ours), (two, theirs)):
            await link.ask(Send, to=[other.public], envelope=person.seal(ident=b"i" * 16))
        assert relay.statistics().duplicates == 0


async def test_a_stranger_waits_until_he_is_accepted():
    one, other = Person(), Person()
    async with relaying(stranger_messages=2) as (_, url), one.link(url) as ours, other.link(url) as theirs:
        for _ in range(2):
            await ours.ask(Send, to=[other.public], envelope=one.seal())
            assert (await theirs.mail()).stranger == one.account
        with pytest.raises(RelayRefused, match="not accepted") as refused:
            await ours.ask(Send, to=[other.public], envelope=one.seal())
        assert refused.value.word == "stranger"
        await theirs.ask(Consent, account=one.account, verdict="accept")
        await ours.ask(Send, to=[other.public], envelope=one.seal())
        assert (await theirs.mail()).stranger is None
        await theirs.ask(Consent, account=one.account, verdict="block")
        with pytest.raises(RelayRefused, match="blocked"):
            await ours.ask(Send, to=[other.public], envelope=one.seal())


async def test_so_many_strangers_wait_and_a_friend_still_comes_through():
    friend, other, crowd = Person(), Person(), [Person() for _ in range(6)]
    async with relaying(strangers=4) as (_, url), other.link(url) as theirs, friend.link(url) as ours:
        await theirs.ask(Consent, account=friend.account, verdict="accept")
        refused = 0
        for stranger in crowd:
            async with stranger.link(url) as link:
                try:
                    await link.ask(Send, to=[other.public], envelope=stranger.seal())
                except RelayRefused as problem:
                    refused += problem.word == "stranger"
        assert refused == 2
        await ours.ask(Send, to=[other.public], envelope=friend.seal(b"friend"))
        got = [await theirs.mail() for _ in range(5)]
        assert got[-1].stranger is None


async def test_a_full_mailbox_an_unknown_device_and_a_large_envelope_are_refused_aloud():
    one, other = Person(), Person()
    async with relaying(mailbox=2, envelope_bytes=300) as (relay, url):
        async with other.link(url) as theirs:
            await theirs.ask(Consent, account=one.account, verdict="accept")
        async with one.link(url) as ours:
            for _ in range(2):
                await ours.ask(Send, to=[other.public], envelope=one.seal())
            for word, to, envelope in (
                ("full", other.public, one.seal()),
                ("unknown", "00" * 32, one.seal()),
                ("size", other.public, one.seal(bytes(300))),
                ("form", other.public, b"no envelope"),
                ("identity", other.public, other.seal()),
            ):
                with pytest.raises(RelayRefused) as refused:
                    await ours.ask(Send, to=[to], envelope=envelope)
                assert refused.value.word == word
            assert relay.statistics().refused == 5


async def test_the_first_commit_of_an_epoch_wins_and_all_recipients_get_it_or_none():
    one, two, other = Person(), Person(), Person()
    members = [one.public, two.public, other.public]

    async def commit(link, person, epoch, to, ident=None):
        envelope = person.seal(kind=Kind.COMMIT, ident=ident)
        return await link.ask(Send, to=to, envelope=envelope, group="aa", epoch=epoch, members=members)

    async with (
        relaying() as (relay, url),
        one.link(url) as ours,
        two.link(url) as theirs,
        other.link(url) as third,
    ):
        assert (await commit(ours, one, 1, [two.public, other.public], b"1" * 16)).epoch == 2
        assert (
            await commit(ours, one, 1, [two.public, other.public], b"1" * 16)
        ).epoch == 2  # again: no harm
        for epoch in (0, 1, 3):
            with pytest.raises(RelayRefused) as refused:
                await commit(theirs, two, epoch, [one.public])
            assert refused.value.word == "stale"
        with pytest.raises(RelayRefused) as refused:
            await commit(theirs, two, 2, [one.public, "00" * 32])
        assert refused.value.word == "unknown"
        assert (await commit(theirs, two, 2, [one.public])).epoch == 3
        assert (await third.mail()).cursor == (await ours.mail()).cursor == 1
        assert relay.statistics().stale_commits == 3


async def test_a_stranger_cannot_commit_in_a_group():
    one, other, stranger = Person(), Person(), Person()
    async with relaying() as (_, url), one.link(url) as ours, other.link(url), stranger.link(url) as theirs:
        for link, person in ((ours, one), (theirs, stranger)):
            asking = link.ask(
                Send,
                to=[other.public],
                envelope=person.seal(kind=Kind.COMMIT),
                group="bb",
                epoch=1 + (person is stranger),
                members=[one.public, other.public],
            )
            if person is one:
                await asking
            else:
                with pytest.raises(RelayRefused) as refused:
                    await asking
                assert refused.value.word == "member"


async def test_a_commit_and_only_a_commit_names_its_group():
    one, other = Person(), Person()
    async with relaying() as (_, url), one.link(url) as ours, other.link(url):
        for envelope, more in (
            (one.seal(kind=Kind.COMMIT), {}),
            (one.seal(), {"group": "aa", "epoch": 1, "members": []}),
            (one.seal(kind=Kind.COMMIT), {"group": "aa"}),
        ):
            with pytest.raises(RelayRefused) as refused:
                await ours.ask(Send, to=[other.public], envelope=envelope, **more)
            assert refused.value.word == "form"


async def test_a_fleeting_envelope_goes_to_who_is_there_and_is_kept_nowhere():
    one, other, away = Person(), Person(), Person()
    async with relaying() as (relay, url):
        async with away.link(url):
            pass
        async with one.link(url) as ours, other.link(url) as theirs:
            await until(lambda: relay.statistics().online == 2)
            sealed = one.seal(kind=Kind.FLEETING)
            await ours.ask(Send, to=[other.public, away.public], envelope=sealed)
            assert await theirs.mail() == Fleeting(sealed)
            counted = relay.statistics()
            assert (counted.fleeting, counted.fleeting_dropped, counted.stored) == (1, 1, 0)


async def test_a_device_that_comes_back_ends_its_other_connection():
    one = Person()
    async with relaying() as (relay, url), one.link(url) as first, one.link(url):
        with pytest.raises(UnreachableError):
            await first.mail()
        assert relay.statistics().online == 1


async def test_a_revoked_device_is_sent_away_and_never_let_in_again():
    seed = os.urandom(32)
    lost, kept = Person(seed=seed), Person(seed=seed)
    async with relaying() as (_, url), lost.link(url) as gone, kept.link(url) as ours:
        await gone.ask(Publish, packages=[lost.groups.key_package()], last=lost.groups.key_package())
        binding = kept.wallet.bind(lost.device.public, DIRECTORY, time.time(), purpose="revoke")
        await ours.ask(Revoke, binding=binding.encoded())
        with pytest.raises(UnreachableError):
            await gone.mail()
        with pytest.raises(RelayRefused, match="revoked"):
            async with lost.link(url):
                pass
        with pytest.raises(RelayRefused) as refused:
            await ours.ask(Send, to=[lost.public], envelope=kept.seal())
        assert refused.value.word == "unknown"


async def test_a_slow_reader_is_not_pushed_to_and_misses_nothing():
    one, other = Person(), Person()
    limits = {"outgoing": 4, "stranger_messages": 1000, "burst": 1000}
    async with relaying(**limits) as (_, url), one.link(url) as ours, other.link(url) as theirs:
        asked = [ours.ask(Send, to=[other.public], envelope=one.seal(b"%d" % n)) for n in range(300)]
        await asyncio.gather(*asked)
        got = [await theirs.mail() for _ in range(300)]
        assert [mail.cursor for mail in got] == list(range(1, 301))


class Forgetful:
    """Mailboxes that store, and whose first answers are lost on the way."""

    def __init__(self, boxes, lost: int) -> None:
        self._boxes, self.lost, self.read = boxes, lost, boxes.read

    async def store(self, parcels):
        outcomes = await self._boxes.store(parcels)
        if self.lost:
            self.lost -= 1
            raise ConnectionError("the answer was lost")
        return outcomes


async def test_what_was_stored_without_an_answer_is_pushed_all_the_same():
    one, other = Person(), Person()
    async with relaying() as (relay, url), one.link(url) as ours, other.link(url) as theirs:
        relay._boxes = Forgetful(relay._boxes, lost=2)
        envelope = one.seal()
        await ours.ask(Send, to=[other.public], envelope=envelope)
        async with asyncio.timeout(10):
            assert (await theirs.mail()).envelope == envelope
        counted = relay.statistics()
        assert (counted.store_failures, counted.duplicates, counted.delivered) == (2, 1, 1)


async def test_as_many_requests_as_may_be_under_way_find_a_connection_to_a_slow_store():
    one, other = Person(), Person()
    async with relaying(burst=1000) as (relay, url), one.link(url) as ours:
        await relay._redis.client_pause(500, all=True)
        asked = (ours.ask(Consent, account=other.account, verdict="accept") for _ in range(200))
        await asyncio.gather(*asked)
        assert relay.statistics().store_failures == 0
