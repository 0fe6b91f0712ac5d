import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
from support.journals import assert_never_killed, journaled, new_engine, stream, write

from rtlab.engine.journal import JournaledEngine, read_journal, recovered, writing
from rtlab.engine.journal.journaled import BESIDE
from rtlab.errors import CommandError, InstrumentError, JournalError
from rtlab.model import CancelOrder, NewOrder, Side

ORDER = NewOrder(instrument="BTC-USD", order_id=1, side=Side.BID, price=5, qty=7)


def test_events_are_those_of_an_engine_without_a_journal(tmp_path):
    rows = stream(300)
    with journaled(tmp_path) as engine:
        events = b"".join(engine.process(rows[at : at + 50]).tobytes() for at in range(0, 300, 50))
    assert events == new_engine().process(rows).tobytes()


def test_many_commands_are_done_while_they_are_written_and_give_the_same_events(tmp_path):
    rows = stream(3 * BESIDE)
    with journaled(tmp_path) as engine:
        events = b"".join(
            engine.process(rows[at : at + BESIDE]).tobytes() for at in range(0, len(rows), BESIDE)
        )
        with pytest.raises(CommandError, match="no command rows"):
            engine.process(np.zeros(BESIDE))
    assert events == new_engine().process(rows).tobytes()
    assert [len(batch) for batch in read_journal(tmp_path, oldest=True).batches()] == [BESIDE] * 3


def test_what_the_disk_did_not_take_is_undone(tmp_path):
    rows = stream(5 * BESIDE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with journaled(tmp_path) as engine:
        engine.process(rows[:BESIDE])
        resource.setrlimit(resource.RLIMIT_FSIZE, (BESIDE * 150, hard))
        try:
            for _ in range(2):
                with pytest.raises(JournalError, match="none of them is done"):
                    engine.process(rows[BESIDE:])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert_never_killed(engine.engine, BESIDE)


OPEN_FILES = Path("/proc/self/fd")


def descriptor_of(path):
    """The number under which this process has a file open."""
    return next(int(one.name) for one in OPEN_FILES.iterdir() if os.path.realpath(one) == str(path))


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="this system does not list a process's open files")
def test_what_was_done_before_the_disk_failed_is_undone(tmp_path):
    rows = stream(3 * BESIDE)
    with journaled(tmp_path) as engine:
        engine.process(rows[:BESIDE])
        file = descriptor_of(tmp_path / "acknowledged")
        with open("/dev/full", "r+b", buffering=0) as full:
            os.dup2(full.fileno(), file)
        for _ in range(2):
            with pytest.raises(JournalError, match="No space left on device"):
                engine.process(rows[BESIDE:])
        assert_never_killed(engine.engine, BESIDE)
    with journaled(tmp_path) as engine:
        assert_never_killed(engine.engine, BESIDE)


def test_single_commands_are_journaled_as_rows_are(tmp_path):
    with journaled(tmp_path) as engine:
        events = engine.submit(ORDER)
        assert [event.seq for event in events] == [1, 2]
        assert engine.journal.position.commands == 1
    with journaled(tmp_path) as engine:
        assert engine.engine.book("BTC-USD") == ([(5, 7)], [])
        engine.submit(CancelOrder(instrument="BTC-USD", order_id=1))
        assert engine.engine.book("BTC-USD") == ([], [])


def test_what_no_engine_takes_is_not_journaled(tmp_path):
    with journaled(tmp_path) as engine:
        with pytest.raises(InstrumentError):
            engine.submit(NewOrder(instrument="NO", order_id=1, side=Side.BID, price=5, qty=7))
        with pytest.raises(CommandError):
            engine.submit("buy")
        assert engine.journal.position.commands == 0


def test_a_snapshot_is_kept_when_it_is_due(tmp_path):
    write(tmp_path, 1500)
    reading = read_journal(tmp_path)
    assert reading.snapshot.commands == 37 * 19 * 2
    with JournaledEngine(tmp_path, new_engine, snapshot_every=10) as engine:
        for _ in range(12):
            engine.submit(ORDER)
        assert engine.journal.statistics().snapshots == 2


def test_an_engine_that_comes_back_goes_on_as_if_nothing_had_been(tmp_path):
    for commands in (100, 733, 734, 1999):
        write(tmp_path, commands)
        with journaled(tmp_path) as engine:
            assert_never_killed(recovered(engine.engine.snapshot(), []), commands)


def test_an_engine_without_its_journal_does_nothing(tmp_path):
    engine = journaled(tmp_path)
    engine.close()
    with pytest.raises(JournalError, match="the journal is closed"):
        engine.process(stream(1))
    assert engine.engine.statistics().commands == 0


def test_a_snapshot_that_no_engine_takes_frees_the_folder(tmp_path):
    with journaled(tmp_path) as engine:
        engine.journal.keep(engine.journal.position, b"no engine")
    for _ in range(2):
        with pytest.raises(Exception, match="no snapshot of an engine"):
            journaled(tmp_path)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize("count", [1, 2 * BESIDE])
def test_an_interrupt_waits_until_the_commands_are_done(count, tmp_path, monkeypatch):
    rows = stream(count + 1)
    with journaled(tmp_path) as engine:
        synced = writing.sync
        monkeypatch.setattr(writing, "sync", lambda file: (signal.raise_signal(signal.SIGINT), synced(file)))
        with pytest.raises(KeyboardInterrupt):
            engine.process(rows[:count])
        assert engine.engine.statistics().commands == engine.journal.position.commands == count
        with pytest.raises(KeyboardInterrupt):
            engine.submit(ORDER)
        assert engine.engine.statistics().commands == engine.journal.position.commands == count + 1
