from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.cli.bench.capacity.simulation import Costs, Plan, gateways_for, simulate
from rtlab.errors import ConfigError

COSTS = Costs(send_us=4.0, change_us=20.0, accept_us=800.0, reader_kib=12.0)


def test_a_million_readers_by_hand():
    plan = Plan(sends_per_s=10.0, changes_per_s=1000.0, most_busy=0.5)
    # a half core less 0.02 for the market is 0.48, and a reader takes 40 us a second: 12,000 of them
    assert gateways_for(COSTS, plan) == (ceil(1_000_000 / 12_000) + 1, "its core")
    made = simulate(COSTS, plan)
    assert made.readers_each == ceil(1_000_000 / made.gateways)
    assert made.busy == pytest.approx(0.02 + made.readers_each * 40e-6)
    assert made.memory_mib == pytest.approx(made.readers_each * 12 / 1024)
    assert made.egress_mbit == pytest.approx(made.readers_each * 10 * 60 * 8 / 1e6)


def test_where_cores_would_take_more_the_sockets_bound_it():
    assert gateways_for(COSTS, Plan(sends_per_s=1.0)) == (ceil(1_000_000 / 16_384) + 1, "sockets")


def test_a_market_that_does_not_fit_is_an_error():
    with pytest.raises(ConfigError, match="no gateway can fold this market"):
        gateways_for(COSTS, Plan(changes_per_s=30_000.0))


@given(
    readers=st.integers(1, 300_000),
    sends=st.floats(0.1, 50),
    accept=st.integers(50, 2000),
    sockets=st.integers(500, 20_000),
)
@settings(max_examples=30)
def test_nobody_is_lost_and_no_gateway_holds_more_than_it_may(readers, sends, accept, sockets):
    plan = Plan(
        readers=readers, sends_per_s=sends, accept_per_s=float(accept), sockets=sockets, changes_per_s=100.0
    )
    made = simulate(COSTS, plan)
    left = made.gateways - 1
    assert left * min(sockets, (0.5 - 100 * 20e-6) / (sends * 4e-6)) >= readers
    assert made.readers_each + ceil(made.lost / left) <= sockets + 1
    assert 0 < made.back_p50_s <= made.back_p99_s <= made.back_all_s
    assert made.back_all_s + 1e-9 >= made.lost / (left * accept)
    assert made.busy <= 0.5 + 1e-9


def test_a_door_that_opens_slowly_makes_them_wait():
    quick, slow = (simulate(COSTS, Plan(readers=100_000, accept_per_s=rate)) for rate in (1000.0, 20.0))
    assert quick.back_all_s < 6
    assert slow.back_all_s > 2 * quick.back_all_s
    assert slow.busy_then < quick.busy_then


def test_the_same_seed_gives_the_same_and_another_nearly_the_same():
    assert simulate(COSTS, Plan()) == simulate(COSTS, Plan())
    one, other = simulate(COSTS, Plan(), seed=1), simulate(COSTS, Plan(), seed=2)
    assert one.back_p50_s == pytest.approx(other.back_p50_s, rel=0.05)
