from random import Random

import pytest

from rtlab.lab.faults.pipe import Quality
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.lab.faults.schedule import (
    GATEWAY,
    ON_GATEWAY,
    ON_LINES,
    ON_PROCESS,
    Fault,
    begin,
    draw_schedule,
    end,
)


def drawn(seed, **settings):
    return draw_schedule(Random(seed), **{"readers": 3, "seconds": 2.0, "process": False, **settings})


def test_every_reader_meets_faults_and_all_of_them_begin_within_the_run():
    for seed in range(50):
        faults = drawn(seed)
        assert faults == sorted(faults)
        assert {fault.whom for fault in faults} - {GATEWAY} == {0, 1, 2}
        assert all(0 <= fault.at_s <= 1.6 and fault.for_s <= 0.8 for fault in faults)


def test_over_many_seeds_everything_happens():
    here = {fault.what for seed in range(80) for fault in drawn(seed)}
    apart = {fault.what for seed in range(80) for fault in drawn(seed, process=True)}
    assert here == {*ON_LINES, *ON_GATEWAY}
    assert apart == {*ON_LINES, *ON_PROCESS}


@pytest.mark.parametrize("what", ON_LINES)
def test_what_begins_can_be_undone(what):
    proxy = LossyProxy(1)
    fault = Fault(0.0, 1.0, 0, what, ON_LINES[what][1])
    good = vars(Quality())
    begin(fault, proxy)
    changed = vars(proxy.line) != good or proxy.refusing
    assert changed is (what != "cut")
    end(fault, proxy)
    assert vars(proxy.line) == good
    assert not proxy.refusing


def test_a_line_that_is_slow_by_itself_is_as_slow_again_after_a_throttle():
    proxy = LossyProxy(1)
    fault = Fault(0.0, 1.0, 0, "throttle", 2000.0)
    begin(fault, proxy)
    end(fault, proxy, bytes_per_s=30_000.0)
    assert proxy.line.bytes_per_s == 30_000.0


def test_a_fault_says_what_it_is():
    assert str(Fault(0.5, 1.0, 2, "delay", 0.0251)) == "0.50 s: reader 2: delay 0.0251 for 1.00 s"
    assert str(Fault(0.5, 1.0, GATEWAY, "kill")) == "0.50 s: gateway: kill"
