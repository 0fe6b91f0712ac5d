import sys

import psycopg
import pytest
from support.bus_accounts import accounts, batches, traded
from support.bus_fixtures import until

from rtlab.bus import connect
from rtlab.bus.fills import FILLS, Fill, Outbox
from rtlab.bus.handling import delivery_of
from rtlab.bus.positions import Position, Positions
from rtlab.errors import ConfigError


def test_profit_is_cash_and_what_is_held_at_a_price():
    assert Position(qty=5, cash=-500, fills=2).profit(110) == 50
    assert Position(qty=-5, cash=500, fills=2).profit(110) == -50


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "positions.db"
    url = request.getfixturevalue("postgres").url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bus_applied, bus_fences, positions")
    return url


def test_a_fill_that_comes_twice_counts_once(place):
    positions = Positions(place)
    event = FILLS.event(Fill(account=1, instrument=0, price=10, qty=-3), key="1", id="a")
    one = delivery_of(FILLS, "positions", 0, 1, event, 0)
    positions.apply([one, one])
    positions.apply([one])
    assert positions.all() == {(1, 0): Position(qty=-3, cash=30, fills=1)}
    positions.close()


async def test_positions_are_the_engines_own_accounts_though_its_history_is_published_twice(redis_url, place):
    commands, events = traded(6000)
    positions, bus = Positions(place), connect(redis_url, lease_s=0.6)
    positions.attach(bus)
    async with bus:
        for _ in range(2):  # as after a crash: from the beginning again, by an outbox that knows nothing
            outbox = Outbox(bus, epoch=1)
            for some_commands, some_events in batches(commands, events, 1000):
                await outbox.publish(some_commands, some_events, deadline_s=20)
        wanted = accounts(events)
        fills = sum(many for _, _, many in wanted.values())
        await until(lambda: positions.once.applied + positions.once.repeated == 2 * fills)
    assert positions.all() == wanted
    assert positions.once.repeated == fills
    positions.close()


def test_positions_in_postgresql_say_what_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "rtlab.bus.once_postgres", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'rtlab\[postgres\]'"):
        Positions("postgresql://rtlab@127.0.0.1/postgres")
