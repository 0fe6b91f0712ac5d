import numpy as np
import pytest
from support.command_flow import INSTRUMENTS, Flow
from support.journals import copied, of_matching
from support.waiting import until

from rtlab.book import Market, pack_state
from rtlab.engine import Engine
from rtlab.engine.journal import Journal, read_journal
from rtlab.errors import ConfigError, JournalError
from rtlab.lab.journaled import MOST_WAITING, JournaledMarket
from rtlab.sources.simulated import Simulated

SEED, RATE = 5, 1000


def opened(folder, **more):
    return JournaledMarket(folder, INSTRUMENTS, **{"seed": SEED, "rate": RATE, **more})


async def play(journaled, until, step=40):
    """Match the stream up to command number `until`, each step when the one before is on the disk."""
    flow = Flow(SEED)
    flow.given = journaled.commands
    while flow.given < until:
        await journaled.match(flow.take(min(step, until - flow.given)))
        await journaled._committing


def packed(market):
    return [pack_state(market.state(symbol)) for symbol in market.symbols]


def states(batches, epoch):
    """What a market is packed as, that was never killed and was given the same batches."""
    engine, market = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch)
    for rows in batches:
        market.apply(engine.process(rows))
    return packed(market)


def cut(count, step):
    rows = Flow(SEED).take(count)
    return [rows[at : at + step] for at in range(0, count, step)]


async def test_a_market_comes_back_with_its_epoch_sequences_and_all_that_readers_may_be_told(tmp_path):
    async with opened(tmp_path, keep_batches=9) as first:
        first.go_on(dict)
        epoch = first.market.epoch
        await play(first, 1000)
        assert first.journal.statistics().snapshots == 2
    async with opened(tmp_path) as second:
        assert second.commands == 1000
        second.go_on(dict)
        assert second.market.epoch == epoch
        assert packed(second.market) == packed(first.market) == states(cut(1000, 40), epoch)
        assert second.ts == first.ts == 1000
        await play(second, 1400)
        assert packed(second.market) == states(cut(1400, 40), epoch)
        assert second.origin == first.origin


async def test_a_snapshot_is_kept_at_the_end_and_only_by_who_went_on(tmp_path):
    async with opened(tmp_path) as first:
        first.go_on(dict)
        await play(first, 100)
    assert read_journal(tmp_path).snapshot.commands == 100
    async with opened(tmp_path):
        pass  # it stands where the oldest snapshot does
    async with opened(tmp_path) as third:
        third.go_on(dict)
    assert len(list(tmp_path.glob("*.snapshot"))) == 2
    assert packed(third.market) == states(cut(100, 40), first.market.epoch)


async def test_a_snapshot_that_fails_at_the_end_is_told_once_and_not_tried_in_a_folder_that_is_free(
    tmp_path, monkeypatch
):
    journaled = opened(tmp_path)
    journaled.go_on(dict)
    await play(journaled, 100)
    tries = []

    def fails(*arguments):
        tries.append(arguments)
        raise JournalError("the snapshot cannot be written", file=tmp_path)

    monkeypatch.setattr(journaled.journal, "keep", fails)
    with pytest.raises(JournalError, match="cannot be written"):
        await journaled.close()
    await journaled.close()
    assert len(tries) == 1
    async with opened(tmp_path) as again:
        assert again.commands == 100


async def test_after_a_clean_end_a_version_that_matches_otherwise_goes_on(tmp_path):
    async with opened(tmp_path, keep_batches=9) as first:
        first.go_on(dict)
        await play(first, 1000)
    for path in tmp_path.glob("*.segment"):
        of_matching(path, 1)
    async with opened(tmp_path) as second:
        assert second.commands == 1000
        second.go_on(dict)
        assert packed(second.market) == states(cut(1000, 40), first.market.epoch)
        await play(second, 1400)
    assert packed(second.market) == states(cut(1400, 40), first.market.epoch)


async def test_after_a_kill_such_a_version_is_refused(tmp_path):
    async with opened(tmp_path) as first:
        first.go_on(dict)
        await play(first, 100)
        copied(tmp_path, tmp_path / "killed")
    for path in (tmp_path / "killed").glob("*.segment"):
        of_matching(path, 1)
    async with opened(tmp_path / "killed") as second:
        with pytest.raises(JournalError, match="matches otherwise: let it keep a snapshot behind them"):
            second.go_on(dict)


async def test_what_waits_for_the_disk_is_written_with_one_sync(tmp_path):
    async with opened(tmp_path) as journaled:
        journaled.go_on(dict)
        flow = Flow(SEED)
        for _ in range(30):
            await journaled.match(flow.take(20))
        assert journaled.statistics()[:2] == (600, 0)
        await journaled.match(flow.take(0))
    assert [len(rows) for rows in read_journal(tmp_path, oldest=True).batches()] == [600]
    assert journaled.market.state("BTC-USD").position > 0


async def test_a_source_that_is_too_fast_for_the_disk_waits(tmp_path):
    async with opened(tmp_path) as journaled:
        journaled.go_on(dict)
        rows = np.resize(Flow(SEED).take(512), MOST_WAITING)
        await journaled.match(rows)
        assert journaled.commands == MOST_WAITING
        assert journaled.statistics()[:2] == (0, 1)
        assert journaled.statistics().journal.batches == 1


async def test_what_is_published_is_on_the_disk_before(tmp_path):
    async with opened(tmp_path) as journaled:
        seen = []
        journaled.market.on_step = lambda state, step: seen.append(read_journal(tmp_path).end.commands)
        journaled.go_on(dict)
        await play(journaled, 200)
    assert sorted(set(seen)) == [40, 80, 120, 160, 200]


@pytest.mark.parametrize("ahead", [0, 15, 5000])
async def test_its_simulated_market_goes_on_with_the_next_command_however_far_it_was_ahead(ahead, tmp_path):
    simulated = Simulated(INSTRUMENTS, seed=SEED, rate=RATE)
    async with opened(tmp_path, keep_batches=5) as journaled:
        journaled.go_on(dict)
        journaled.resume(simulated)
        for number in range(12):
            rows = simulated.batch(40)
            await journaled.match(rows)
            if number == 9:
                simulated.skip(ahead)  # never matched: it was killed before
            await journaled._committing
    async with opened(tmp_path) as journaled:
        journaled.go_on(dict)
        whole = Simulated(INSTRUMENTS, seed=SEED, rate=RATE).batch(journaled.commands + 100)
        again = Simulated(INSTRUMENTS, seed=SEED, rate=RATE)
        journaled.resume(again)
        assert again.given == journaled.commands == 480
        assert again.batch(100).tobytes() == whole[480:].tobytes()


async def test_chains_come_back_as_they_were_when_the_snapshot_was_kept(tmp_path):
    async with opened(tmp_path) as journaled:
        journaled.go_on(lambda: {"BTC-USD": 7, "ETH-USD": 8})
        await play(journaled, 80)
        journaled.keep()
        await play(journaled, 120)
        journaled.keep()
    async with opened(tmp_path) as journaled:
        assert journaled.chains == {"BTC-USD": 7, "ETH-USD": 8}
        assert journaled.journal.reading.snapshot.commands == 80


async def test_a_new_epoch_is_kept_with_the_next_snapshot(tmp_path):
    async with opened(tmp_path) as journaled:
        journaled.go_on(dict)
        epoch = journaled.market.epoch + 5
        await play(journaled, 80)
        journaled.market.begin(epoch)
        journaled.keep()
    async with opened(tmp_path) as journaled:
        assert journaled.journal.reading.snapshot.commands == 0
        journaled.go_on(dict)
        assert journaled.market.epoch == epoch
        assert packed(journaled.market) == states(cut(80, 40), epoch)


async def test_a_journal_goes_on_with_what_it_began_with(tmp_path):
    opened(tmp_path).journal.close()
    with pytest.raises(ConfigError, match="expected seed 5 and rate 1000, got 6 and 1000"):
        opened(tmp_path, seed=6)
    with pytest.raises(ConfigError, match="other instruments or grids: expected BTC-USD"):
        JournaledMarket(tmp_path, INSTRUMENTS[:1], seed=SEED, rate=RATE)
    opened(tmp_path).journal.close()  # whoever was refused let go of it


async def test_a_journal_of_somebody_else_is_refused(tmp_path):
    Journal(tmp_path, lambda: (Engine(INSTRUMENTS).snapshot(), b"")).close()
    with pytest.raises(JournalError, match="not one of a served market"):
        opened(tmp_path)


async def test_a_disk_that_takes_no_more_stops_the_source_with_its_error(tmp_path):
    journaled = opened(tmp_path)
    journaled.go_on(dict)
    await play(journaled, 40)
    journaled.journal.close()
    flow = Flow(SEED)
    await journaled.match(flow.take(5))
    await until(journaled._committing.done)
    with pytest.raises(JournalError, match="the journal is closed"):
        await journaled.match(flow.take(5))
    assert journaled.engine.statistics().commands == 40
    with pytest.raises(JournalError):
        await journaled.close()
