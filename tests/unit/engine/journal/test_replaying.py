from zlib import crc32

import pytest
from support.journals import assert_never_killed, journaled, new_engine, stream, write

from rtlab.engine import Engine
from rtlab.engine.journal import KeptSnapshot, replay_journal
from rtlab.engine.journal.snapshots import pack_kept, read_kept
from rtlab.errors import JournalError
from rtlab.model import NewOrder, Side


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, 2000)
    return tmp_path


def test_a_replay_gives_the_events_of_the_run_and_meets_its_snapshots(folder):
    replayed = replay_journal(folder)
    oldest, newest = (int(path.stem) for path in sorted(folder.glob("*.snapshot")))
    rows, truth = stream(2000), new_engine()
    truth.process(rows[:oldest])
    events = truth.process(rows[oldest:])
    assert (replayed.first, replayed.commands, replayed.snapshots) == (oldest, 2000, (newest,))
    assert (replayed.events, replayed.checksum) == (len(events), crc32(events.tobytes()))
    assert_never_killed(replayed.engine, 2000)


def test_a_replay_ends_with_the_batch_of_the_command_that_was_asked_for(folder):
    replayed = replay_journal(folder, to=1900)
    assert replayed.commands == 37 * 52
    assert replayed.commands - 37 <= 1900 < replayed.commands
    assert_never_killed(replayed.engine, replayed.commands)


@pytest.mark.parametrize(("commands", "what"), [(1369, "commands 1406"), (0, "commands 1406")])
def test_a_snapshot_of_another_state_is_found(folder, commands, what):
    path = max(folder.glob("*.snapshot"))
    kept = read_kept(path)
    other = new_engine()
    other.process(stream(commands))
    path.write_bytes(pack_kept(KeptSnapshot(kept.commands, kept.chain, other.snapshot())))
    with pytest.raises(JournalError, match=f"not what the commands lead to: expected {what}"):
        replay_journal(folder)


def test_a_snapshot_with_another_book_is_found(folder):
    path = max(folder.glob("*.snapshot"))
    kept = read_kept(path)
    rows = stream(1406).copy()
    rows["qty"] *= 2  # the same trades and levels, of twice the size
    other = new_engine()
    other.process(rows)
    assert Engine.restore(kept.engine).statistics()[:4] == other.statistics()[:4]
    path.write_bytes(pack_kept(KeptSnapshot(kept.commands, kept.chain, other.snapshot())))
    with pytest.raises(JournalError, match="the snapshot's book of BTC-USD"):
        replay_journal(folder)


def test_a_snapshot_with_another_queue_is_found_by_what_comes_after_it(tmp_path):
    def order(order_id, side, qty):
        return NewOrder(instrument="BTC-USD", order_id=order_id, side=side, price=5, qty=qty)

    with journaled(tmp_path) as engine:
        engine.submit(order(1, Side.BID, 7))
        engine.submit(order(2, Side.BID, 7))
        engine.keep()
        engine.submit(order(3, Side.ASK, 4))
    assert replay_journal(tmp_path).snapshots == (2,)
    path = max(tmp_path.glob("*.snapshot"))
    kept, other = read_kept(path), new_engine()
    other.submit(order(2, Side.BID, 7))
    other.submit(order(1, Side.BID, 7))
    path.write_bytes(pack_kept(KeptSnapshot(kept.commands, kept.chain, other.snapshot())))
    with pytest.raises(JournalError, match=f"{path}, offset 0: commands 2 to 3 give other events"):
        replay_journal(tmp_path)
