import msgspec
import pytest

from rtlab.protocol import Limits
from rtlab.protocol.limits import SECOND, ns


def test_the_defaults_are_those_of_the_ladder():
    limits = Limits()
    assert (limits.window_floor, limits.window_ceiling) == (1024, 65536)
    assert (limits.need, limits.round_trips, limits.slack_s) == (3, 20, 0.25)
    assert (limits.evict_after_s, limits.ask_again_s, limits.relapse_s) == (10, 0.1, 30)


def test_a_client_is_told_what_concerns_it():
    told = Limits(subscriptions=5, evict_after_s=3).told()
    assert told == {
        "evict_after_s": 3.0,
        "messages_per_s": 100.0,
        "resync_every_s": 1.0,
        "subscriptions": 5.0,
        "window": 65536.0,
    }


def test_limits_are_values():
    limits = Limits()
    assert msgspec.structs.replace(limits, need=5).need == 5
    with pytest.raises(AttributeError):
        limits.need = 4


def test_seconds_become_whole_ns():
    assert ns(0.1) == SECOND // 10
    assert ns(0) == 0
