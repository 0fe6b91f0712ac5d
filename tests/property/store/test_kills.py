"""Recorder, server and compactor killed by SIGKILL at random points, while readers ask.

The truth is what the producer made, kept as plain rows in this process.
"""

import asyncio
import os
import random
import threading
from collections import Counter

import pytest
from support.kept import plain
from support.recording import Lively, Room, room
from support.scaled import ENGINE, Part
from support.store import kill
from support.waiting import until

from rtlab.errors import UnreachableError
from rtlab.store import History
from rtlab.store.api import Store

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "10"))
PART = str(ENGINE.with_name("store_part.py"))

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(120 + 5 * ROUNDS)]


class Readers:
    """Ask in a thread of their own, all the time: each answer must be a beginning of the truth, row for row."""

    def __init__(self, here: Room, made: Lively) -> None:
        self._made, self._ended = made, threading.Event()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.longest = 0
        self._store = here.store()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        with self._store as store:
            while not self._ended.is_set():
                for channel in ("book", "trades"):
                    self._ask_for(store, channel)

    def _ask_for(self, store: Store, channel: str) -> None:
        try:
            rows = plain(store.read(channel, "BTC-USD"))
        except UnreachableError:
            self.counts["unreachable"] += 1
            return
        except Exception as problem:  # noqa: BLE001
            self.wrong.append(repr(problem))
            return
        self.counts["answered"] += 1
        self.longest = max(self.longest, len(rows))
        if rows != getattr(self._made, channel)[: len(rows)]:
            seqs = [row[1] for row in rows]
            self.wrong.append(f"{channel}: {len(seqs)} rows, {len(set(seqs))} sequences, up to {seqs[-1]}")

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


async def test_no_kill_loses_or_doubles_a_row_and_every_read_is_whole_meanwhile():
    rnd, victims, order = random.Random(11), Counter(), ["recorder", "server", "compactor"]
    with room() as here:
        made, history = Lively(), History(seconds=0, snapshot_s=0.02)
        record, tend = [PART, "record", str(here.folder), here.url], [PART, "tend", str(here.folder)]
        async with made.write_to(here.url, history=history) as writer:
            parts = {"recorder": Part(*record), "compactor": Part(*tend)}
            await until(lambda: (here.folder / "manifest" / "BTC-USD.json").exists())
            readers = Readers(here, made)
            try:
                for number in range(ROUNDS):
                    await made.run(rnd.randint(1, 100), commands=20)
                    victim = rnd.choice(order) if number >= len(order) else order[number]
                    victims[victim] += 1
                    assert [name for name, part in parts.items() if not part.lives] == []
                    if victim == "server":
                        kill(here.server)
                        await made.run(rnd.randint(0, 10), commands=10)
                        await asyncio.to_thread(here.server.start)
                    else:
                        parts[victim].kill()
                        await made.run(rnd.randint(0, 10), commands=10)
                        arguments = record if victim == "recorder" else tend
                        parts[victim] = await asyncio.to_thread(Part, *arguments)
                await writer.drained()
                whole = made.market.state("BTC-USD").position

                def stand() -> int:
                    with Store(here.folder) as cold:
                        return cold.cold.tail("BTC-USD")[2].position

                await until(lambda: stand() == whole)
            finally:
                readers.end()
                for part in parts.values():
                    part.kill()
            assert writer.statistics().unrecorded == 0
        assert readers.wrong == []
        assert readers.counts["answered"] > ROUNDS
        with Store(here.folder) as cold:  # without Redis
            for channel in ("book", "trades"):
                assert plain(cold.read(channel, "BTC-USD")) == getattr(made, channel)
            assert [gap.reason for gap in cold.manifest("BTC-USD").gaps] == ["start"]
            cold.check()
    rows = len(made.book) + len(made.trades)
    print(f"{dict(victims)} killed, {dict(readers.counts)} reads, {rows:,} rows: 0 missing, 0 double")
