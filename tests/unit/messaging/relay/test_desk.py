import os
import time

import pytest
from support.messaging import DIRECTORY, Person, relaying

from rtlab.messaging.connection import RelayRefused
from rtlab.messaging.directory import bindings_of, devices_of
from rtlab.messaging.relay.messages import Claim, Consent, Look, Publish, Revoke


async def test_a_log_holds_every_device_once_and_verifies():
    seed = os.urandom(32)
    people = [Person("eip191", seed) for _ in range(3)]
    async with relaying() as (_, url):
        for person in [*people, people[0]]:
            async with person.link(url) as link:
                entries = (await link.ask(Look, account=person.account)).entries
        bindings, head = bindings_of(entries)
        found = devices_of(bindings, people[0].account, DIRECTORY, time.time())
    assert (head.length, set(found)) == (3, {person.device.public for person in people})


async def test_an_account_has_so_many_devices_and_no_more():
    seed = os.urandom(32)
    async with relaying(devices=2) as (_, url):
        for n in range(3):
            try:
                async with Person("eip191", seed).link(url):
                    pass
            except RelayRefused as refused:
                word, at = refused.word, n
    assert (word, at) == ("full", 2)


async def test_a_key_package_is_given_once_and_the_last_resort_again_and_again():
    one, other = Person(), Person()
    packages, last = [one.groups.key_package() for _ in range(2)], one.groups.key_package()
    async with relaying() as (_, url), one.link(url) as ours, other.link(url) as theirs:
        with pytest.raises(RelayRefused, match="no device"):
            await theirs.ask(Claim, account=one.account)
        await ours.ask(Publish, packages=packages, last=last)
        claimed = [(await theirs.ask(Claim, account=one.account)).packages for _ in range(4)]
    assert claimed == [[(one.public, package)] for package in [*packages, last, last]]


async def test_claims_are_limited_so_that_nobody_uses_up_all_packages():
    one, other = Person(), Person()
    packages, last = [one.groups.key_package() for _ in range(3)], one.groups.key_package()
    async with relaying(claims_per_hour=1) as (_, url), other.link(url) as theirs:
        async with one.link(url) as ours:
            await ours.ask(Publish, packages=packages, last=last)
        given = [(await theirs.ask(Claim, account=one.account)).packages[0][1] for _ in range(5)]
        async with one.link(url) as ours:
            assert ours.ready.packages == 2
    assert given == [packages[0], last, last, last, last]


async def test_a_key_package_of_another_device_or_of_none_is_refused():
    one, other = Person(), Person()
    async with relaying(packages=2) as (_, url), one.link(url) as ours:
        mine = one.groups.key_package()
        for packages, word in (
            ([other.groups.key_package()], "identity"),
            ([b"rubbish"], "form"),
            ([mine, mine, mine], "size"),
            ([bytes(10_000)], "size"),
        ):
            with pytest.raises(RelayRefused) as refused:
                await ours.ask(Publish, packages=packages)
            assert refused.value.word == word


async def test_only_the_wallet_of_an_account_revokes_its_device():
    one, other = Person(), Person()
    now = time.time()
    async with relaying() as (_, url), one.link(url) as ours, other.link(url):
        for binding in (
            one.wallet.bind(other.device.public, DIRECTORY, now, purpose="revoke"),
            other.wallet.bind(other.device.public, DIRECTORY, now, purpose="revoke"),
            one.wallet.bind(one.device.public, DIRECTORY, now),
            one.wallet.bind(one.device.public, "evil.example", now, purpose="revoke"),
        ):
            with pytest.raises(RelayRefused) as refused:
                await ours.ask(Revoke, binding=binding.encoded())
            assert refused.value.word in ("identity", "unknown")


async def test_a_verdict_is_one_of_three():
    one = Person()
    async with relaying() as (_, url), one.link(url) as ours:
        for verdict in ("accept", "block", "forget"):
            await ours.ask(Consent, account="eip155:1:0x0", verdict=verdict)
        with pytest.raises(RelayRefused, match="one of accept, block, forget"):
            await ours.ask(Consent, account="eip155:1:0x0", verdict="like")
