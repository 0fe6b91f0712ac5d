import asyncio
import gc
import os
import signal

import pytest
from support.markets import HandMarket

from rtlab.cli.running import ended_event, raise_file_limit, readers_line, run, settings_of, settle_heap
from rtlab.errors import ConfigError
from rtlab.feed import Gateway


async def test_the_event_is_set_after_its_time():
    ended = await ended_event(after_s=0.01)
    await asyncio.wait_for(ended.wait(), 5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_in_order_instead_of_by_an_exception(number):
    ended = await ended_event()
    os.kill(os.getpid(), number)
    await asyncio.wait_for(ended.wait(), 5)
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(one)


def test_flags_that_were_not_given_leave_the_settings_alone(monkeypatch):
    monkeypatch.setenv("RTLAB_PORT", "1234")
    assert settings_of({"port": None, "rate": 7}).port == 1234
    assert settings_of({"port": None, "rate": 7}).rate == 7
    assert settings_of({"port": 1, "rate": None}).port == 1


def test_an_unknown_variable_is_refused(monkeypatch):
    monkeypatch.setenv("RTLAB_PROT", "1234")
    with pytest.raises(ConfigError, match="RTLAB_PORT"):
        settings_of({})


def test_no_collection_walks_through_what_was_there_when_the_heap_settled():
    before, walked = gc.get_freeze_count(), [[]]
    try:
        settle_heap()
        assert gc.get_freeze_count() > before
        assert not any(one is walked for one in gc.get_objects())
    finally:
        gc.unfreeze()


async def test_what_readers_were_spared_is_told_in_a_line():
    async with Gateway(HandMarket()) as gateway:
        told = gateway.statistics()._replace(accepted=2, evicted=1, merged=1234, dropped=56)
    assert readers_line(told) == (
        "readers: 2 in all, 1 cut off, 1,234 states merged into newer ones, 56 trades dropped"
    )


def test_run_runs_to_the_end():
    seen = []

    async def main():
        seen.append(asyncio.get_running_loop())

    run(main())
    assert seen[0].is_closed()


def test_the_limit_of_open_files_is_raised_as_far_as_is_wanted_and_never_lowered():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        raise_file_limit(512)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, before[1])
        raise_file_limit(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
