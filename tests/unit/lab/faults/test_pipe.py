from random import Random

import pytest

from rtlab.lab.faults.pipe import LOSSES, RETRANSMIT_S, Pipe, Quality


def test_a_good_line_is_prompt_and_never_late():
    line = Quality()
    assert line.is_prompt
    assert {line.late_s(Random(seed)) for seed in range(20)} == {0.0}


def test_delay_and_jitter_bound_how_late_a_segment_is():
    line = Quality()
    line.delay_s, line.jitter_s = 0.1, 0.05
    late = [line.late_s(Random(seed)) for seed in range(200)]
    assert 0.1 <= min(late) < 0.105
    assert 0.145 < max(late) <= 0.15


def test_a_lost_segment_waits_as_long_as_tcp_takes_to_send_it_again():
    line, random = Quality(), Random(1)
    line.loss = 0.25
    late = [line.late_s(random) for _ in range(4000)]
    waits = {round(RETRANSMIT_S * (2**losses - 1), 6) for losses in range(LOSSES + 1)}
    assert {round(one, 6) for one in late} <= waits
    assert 0.22 < sum(one > 0 for one in late) / len(late) < 0.28
    line.loss = 1.0
    assert line.late_s(random) == pytest.approx(RETRANSMIT_S * (2**LOSSES - 1))  # it is never lost for good


def test_the_same_seed_draws_the_same_lateness():
    line = Quality()
    line.jitter_s, line.loss = 0.1, 0.3
    draws = [[line.late_s(random) for _ in range(50)] for random in (Random(7), Random(7), Random(8))]
    assert draws[0] == draws[1] != draws[2]


def test_healing_forgets_every_fault():
    line = Quality()
    line.delay_s, line.loss, line.bytes_per_s, line.split, line.glue = 1.0, 0.5, 100.0, 3, 900
    line.stalled = line.deaf = True
    line.heal()
    assert vars(line) == vars(Quality())


async def test_a_new_pipe_holds_nothing():
    pipe = Pipe(None, None, Quality(), Random(1), 1000)  # type: ignore[arg-type]
    assert (pipe.held, pipe.carried, pipe.lost) == (0, 0, 0)
