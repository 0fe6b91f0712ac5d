import os
import sys

import pytest
from support.waiting import until

from rtlab.lab.machine import Monitor, Rates, levels, totals

SECOND = 1_000_000_000


def test_rates_are_what_totals_grow_by_in_a_second():
    rates = Rates()
    assert rates(SECOND, {"a": 5.0}) == {}
    assert rates(3 * SECOND, {"a": 9.0, "b": 1.0}) == {"a": 2.0}
    assert rates(4 * SECOND, {"a": 1.0, "b": 4.0}) == {"b": 3.0}  # a was counted anew
    assert rates(4 * SECOND, {"a": 2.0}) == {}


def test_the_processor_time_of_this_process_only_grows():
    before = totals()["cpu of this process %"]
    sum(i * i for i in range(300_000))
    assert totals()["cpu of this process %"] > before - 1e-9


@pytest.mark.skipif(sys.platform != "linux", reason="told by /proc")
def test_memory_and_network_are_what_the_system_says():
    now = levels()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    assert 0 < now["memory available GB"] < pages
    assert now["disk free GB"] > 0
    assert {"network in MB/s", "network out MB/s"} <= totals().keys()


async def test_a_monitor_reads_again_and_tells_those_who_look():
    class Page:
        seen = 0

        def update(self, health):
            assert health is None
            self.seen += 1

    page, monitor = Page(), Monitor(lambda: {"my own": 7.0})
    monitor.lookers.join(page)
    await until(lambda: page.seen >= 2)
    monitor.close()
    assert monitor.metrics.course("my own").newest == 7.0
    assert monitor.metrics.course("cpu of this process %").newest >= 0
    assert "event loop late ms" in monitor.metrics.keys
