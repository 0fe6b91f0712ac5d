import os
import time

import pytest

import rtlab
from rtlab.book import Step
from rtlab.errors import ConfigError, StoreError
from rtlab.lab.session import RecordedSession
from rtlab.store import Store


def wait_until(condition, deadline_s=60.0):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


def rows_of(lab, channel="trades"):
    try:
        return lab.history(channel, "BTC-USD", "1h").num_rows
    except StoreError:  # nothing has come yet
        return 0


def test_a_lab_records_its_feed_and_remembers_it_after_its_end(tmp_path):
    with rtlab.demo(rate=2000) as lab:
        with pytest.raises(StoreError, match=r"this lab has no history: expected lab\.record\(\)"):
            lab.history("trades", "BTC-USD")
        recording = lab.record(tmp_path / "store")
        wait_until(lambda: rows_of(lab) > 50)
        recording.note("here it began", symbol="BTC-USD", by="ann")
        wait_until(lambda: rows_of(lab, "book") > 500)
        with pytest.raises(ConfigError, match="no span"):
            lab.history("trades", "BTC-USD", "an hour")
        last = lab.history("trades", "BTC-USD", "1s")
        assert last.num_rows <= rows_of(lab)
        wait_until(lambda: recording.statistics().rows > 500 and recording.statistics().state == "recording")
        told = lab.statistics()["recorder"]
        assert (told.state, told.unrecorded) == ("recording", 0)
        assert f"<Recording into {tmp_path / 'store'}, recording: " in repr(recording)
        health = lab.loop.call(lab._health)
        assert health["recorder_lag_s"] >= 0
        assert health["unrecorded"] == 0
        before, pid = rows_of(lab), recording.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with Store(tmp_path / "store") as store:
        kept = store.read("trades", "BTC-USD")
        assert kept.num_rows >= before
        seqs = kept.column("seq").to_pylist()
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    with RecordedSession(tmp_path / "store") as session:
        assert [(note.text, note.symbol, note.by) for note in session.notes] == [
            ("here it began", "BTC-USD", "ann")
        ]
        assert session.start < session.notes[0].ts < time.time_ns()
        assert (
            sum(
                len(move.trades)
                for _, _, move in session.moves(symbols=["BTC-USD"])
                if isinstance(move, Step)
            )
            == kept.num_rows
        )
