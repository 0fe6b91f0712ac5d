import pytest
from support.bus_accounts import accounts, batches, traded
from support.bus_doubles import MemoryTransport

from rtlab.bus import Bus
from rtlab.bus.event import unpack
from rtlab.bus.fills import FILLS, Outbox
from rtlab.errors import BusError, UnreachableError


class Quiet(MemoryTransport):
    async def declare(self, topic) -> None:
        pass


async def test_every_trade_is_two_fills_whose_sums_are_the_engines():
    commands, events = traded(4000)
    transport, sums = Quiet(), {}
    outbox = Outbox(Bus(transport), epoch=3)
    count = 0
    for some_commands, some_events in batches(commands, events, 500):
        count += await outbox.publish(some_commands, some_events)
    published = [
        one for entries in transport.entries.values() for entry, _ in entries for one in unpack(entry).events
    ]
    for event in published:
        fill = FILLS.read(event)
        assert event.key == str(fill.account)
        qty, cash, many = sums.get((fill.account, fill.instrument), (0, 0, 0))
        sums[fill.account, fill.instrument] = (qty + fill.qty, cash - fill.qty * fill.price, many + 1)
    assert sums == accounts(events)
    assert count == len(published) > 500
    assert outbox.seq == events["seq"][-1]


async def test_the_same_history_gives_the_same_ids_again_and_what_is_safe_is_not_sent_twice():
    commands, events = traded(2000)
    first, second = Outbox(Bus(Quiet()), epoch=3), Outbox(Bus(Quiet()), epoch=3)
    assert await first.publish(commands, events) == await second.publish(commands, events) > 0
    assert await first.publish(commands, events) == 0
    third, other = Outbox(Bus(Quiet()), epoch=3), Outbox(Bus(Quiet()), epoch=4)
    for one in (third, other):
        one._owners = {(row["instrument"], row["order_id"]): 1 for row in commands}
    assert [event.id for event in third.fills(events)] != [event.id for event in other.fills(events)]
    ids = [event.id for event in third.fills(events)]
    assert len(set(ids)) == len(ids)


async def test_what_was_not_confirmed_is_published_again_by_the_same_call():
    commands, events = traded(2000)
    transport = Quiet()
    outbox = Outbox(Bus(transport), epoch=1)
    transport.outcomes = [UnreachableError("gone")] * 10_000
    with pytest.raises(UnreachableError):
        await outbox.publish(commands, events, deadline_s=0.1)
    assert outbox.seq == 0
    transport.outcomes = []
    assert await outbox.publish(commands, events) > 0


def test_a_trade_of_nobody_is_an_error():
    _, events = traded(2000)
    with pytest.raises(BusError, match="owner of an order is not known"):
        Outbox(Bus(Quiet()), epoch=1).fills(events)
