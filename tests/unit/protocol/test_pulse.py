from rtlab.protocol import Limits
from rtlab.protocol.limits import SECOND
from rtlab.protocol.pulse import Pulse


def test_few_readers_have_the_heartbeat_of_the_limits():
    pulse = Pulse(Limits(heartbeat_s=1.0), pings_per_s=100)
    pulse.stretch(80)
    assert pulse.heartbeat == SECOND


def test_many_readers_share_the_rate_with_some_to_spare():
    pulse = Pulse(Limits(heartbeat_s=1.0), pings_per_s=100)
    pulse.stretch(1000)
    assert pulse.heartbeat == 12.5 * SECOND
    pulse.stretch(0)
    assert pulse.heartbeat == SECOND


def test_pings_beyond_the_rate_wait_and_are_counted():
    pulse = Pulse(Limits(), pings_per_s=1000)
    now = 10 * SECOND
    assert pulse.take(80, now) == 50  # what 50 ms allow
    assert (pulse.asked, pulse.stretched) == (50, 30)
    assert pulse.take(30, now) == 0
    assert pulse.take(30, now + SECOND // 100) == 10
    assert pulse.take(1000, now + 10 * SECOND) == 50


def test_in_the_long_run_it_is_the_rate():
    pulse = Pulse(Limits(), pings_per_s=1000)
    granted = sum(pulse.take(7, ms * SECOND // 1000) for ms in range(1000, 11000))
    assert abs(granted - 10_000) <= 51
