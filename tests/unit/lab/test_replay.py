import asyncio
import gzip

import pytest
from support.recorded import recorded

from rtlab.config import Settings
from rtlab.errors import UnreachableError
from rtlab.lab.replay import Progress, Replay
from rtlab.sources import Binance, Lobster

SETTINGS = Settings(port=0)


@pytest.fixture
def futures(tmp_path):
    with gzip.open(recorded("binance/usdm_btcusdt_20240808.gz"), "rb") as whole:
        lines = [next(whole) for _ in range(4000)]
    path = tmp_path / "futures.gz"
    path.write_bytes(gzip.compress(b"".join(lines)))
    return Binance(path)


async def _verdict(source, speed=None):
    return await Replay(source, SETTINGS, speed=speed, verify=True).run(asyncio.Event(), lambda url: None)


async def test_the_clients_book_equals_every_quote_that_can_judge_it(futures):
    verdict = await _verdict(futures)
    assert verdict.holds, verdict.lines
    judged = next(line for line in verdict.lines if "bookTicker" in line)
    equal, points = judged.split(": ")[1].split(" (")[0].split(" of ")
    assert equal == points
    assert int(points) > 10


async def test_it_holds_at_a_speed_as_well(futures):
    assert (await _verdict(futures, speed=200.0)).holds


@pytest.mark.recorded
async def test_recorded_order_flow_is_matched_and_judged(tmp_path):
    names = ["message", "orderbook"]
    for name in names:
        with gzip.open(recorded(f"lobster/AMZN_2012-06-21_{name}_1.csv.gz"), "rb") as whole:
            rows = [next(whole) for _ in range(2500)]
        (tmp_path / f"AMZN_2012-06-21_{name}_1.csv.gz").write_bytes(gzip.compress(b"".join(rows)))
    verdict = await _verdict(Lobster(tmp_path / "AMZN_2012-06-21_message_1.csv.gz"))
    assert verdict.holds, verdict.lines
    assert any("not explained: 0" in line for line in verdict.lines)


async def test_progress_counts_steps_in_the_markets_own_time(futures):
    seen = []
    replay = Replay(futures, SETTINGS, speed=None, verify=False)
    await replay.run(asyncio.Event(), lambda url: None, lambda played, ns: seen.append((played, ns)))
    assert [played for played, _ in seen] == list(range(1, len(seen) + 1))
    assert seen[0][1] == 0
    assert seen == sorted(seen)


async def test_the_end_that_is_asked_for_comes_before_that_of_the_recording(futures):
    ended = asyncio.Event()
    replay = Replay(futures, SETTINGS, speed=0.001, verify=False)
    running = asyncio.create_task(replay.run(ended, lambda url: ended.set()))
    assert await asyncio.wait_for(running, 10) is None


async def test_a_reader_that_stands_still_is_an_error_and_not_a_wait_for_ever(futures):
    replay = Replay(futures, SETTINGS, speed=None, verify=True)
    replay.patience_s = 0.0
    replay.server.gateway.publish = lambda: None  # a gateway that lost its voice
    with pytest.raises(UnreachableError, match="the reader stands still at"):
        await replay.run(asyncio.Event(), lambda url: None)


def test_progress_begins_at_the_first_step():
    seen = []
    progress = Progress(lambda *step: seen.append(step))
    progress.step(100)
    progress.step(150)
    assert seen == [(1, 0), (2, 50)]


async def test_a_checked_replay_that_was_ended_early_does_not_hold_and_says_so(futures):
    ended, most = asyncio.Event(), 1500

    def step(played: int, ns: int) -> None:
        if played == most:
            ended.set()

    replay = Replay(futures, SETTINGS, speed=None, verify=True)
    verdict = await replay.run(ended, lambda url: None, step)
    assert not verdict.holds
    assert "before the recording was" in verdict.lines[-1]
    assert "book equal to the server's" in " ".join(verdict.lines)
