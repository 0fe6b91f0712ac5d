"""One long task of a deployment: it folds the rows of some instruments, and commits what comes of them.

Theory of operation. For each of its instruments a task takes the lease (INCR), then reads the checkpoint, then the
log after it. A commit carries the lease's epoch and the position that it goes on from: who lost the lease is
refused (FENCED) and ends; a commit that is tried again is harmless. So it does not matter how many tasks believe
that an instrument is theirs, nor when one of them wakes up. A task that loses Redis begins again from the lease,
but not where another one has taken it since: a zombie that wakes up without its connection ends.

What a batch holds is folded entry by entry after a start, each counted as an attempt before. An entry that ended
`ATTEMPTS` tasks in a row, by an error or by the death of their process, is put aside with its reason, and the log
goes on after it. A task that only lost its lease or Redis in the midst of an attempt takes it back: before an entry
is put aside there is a moment for that.
"""

import logging
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import redis

from rtlab.errors import FencedError, RtlabError
from rtlab.model import Instrument
from rtlab.pipelines.cluster.keys import Keys, beats_key, keys_of, plan_key
from rtlab.pipelines.cluster.log import connect, is_full, read_numbered
from rtlab.pipelines.cluster.packed import frame_of
from rtlab.pipelines.cluster.results import pack_results
from rtlab.pipelines.cluster.scripts import ATTEMPT, BURY, COMMIT, TAKE_BACK
from rtlab.pipelines.graph import Graph, Running

ATTEMPTS = 3
BLOCK_MS = 100
BEAT_S = 0.5
LOOK_S = 0.25  # between two looks at the plan, the leases and for new instruments
SETTLE_S = 0.5  # that who was refused has, before an entry is put aside, to take its attempt back
PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0

Gone = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)
logger = logging.getLogger(__name__)


class Task(NamedTuple):
    """What a task is given: shard number `shard` of `shards` of a deployment, in its `generation`."""

    graph: Graph
    url: str
    name: str
    shard: int
    shards: int
    generation: int
    batch: int = 32  # entries of an instrument that are folded at once, at most
    kept: int = 100_000  # entries of results that are kept of an instrument
    trim: bool = True
    alone_s: float = 60.0  # that it goes on without a scheduler, at most (see `lasting`)


class Beat(msgspec.Struct, array_like=True):
    """A task's sign of life, in seconds since 1970 by the clock of its machine."""

    worker: str
    pid: int
    generation: int
    at: float
    instruments: int
    rows: int
    cpu_s: float
    said: str


class PoisonError(RtlabError):
    """An entry that a graph cannot fold: its task ends, and another one tries."""


class Held(NamedTuple):
    """An instrument that this task folds."""

    instrument: Instrument
    keys: Keys
    epoch: int
    running: Running


def shard_of(number: int, shards: int) -> int:
    """Give the shard of the instrument that came as number `number` (from 0): in turn."""
    return number % shards


def run_shard(
    task: Task,
    worker: str = "",
    until: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], object] = time.sleep,
) -> str:
    """Fold until the plan changes, or `until` says so; give why it ended: superseded, stopped, fenced, done.

    Between a loss of Redis and the next try it calls `sleep` with seconds: twice as long each time, up to 1 s, and
    from the shortest again once something was committed.
    """
    pause = PAUSE_S
    known = Known({}, set())
    while True:
        shard = Shard(task, worker, known, sleep)
        try:
            return shard.run(until)
        except FencedError:
            return "fenced"
        except RtlabError:
            sleep(PAUSE_S)  # whoever starts it again may do so at once
            raise
        except Gone as problem:
            logger.warning("shard %d of %s lost Redis, and comes back: %s", task.shard, task.name, problem)
        except redis.exceptions.ResponseError as problem:
            if not is_full(problem):
                raise
            logger.warning("shard %d of %s: Redis takes nothing: %s", task.shard, task.name, problem)
        finally:
            shard.close()
        if shard.has_committed:
            pause = PAUSE_S
        sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


class Known(NamedTuple):
    """What a task still knows when it has lost Redis."""

    epochs: dict[str, int]  # of the leases that it took, by instrument
    attempted: set[str]  # instruments of which it had counted an attempt


class Shard:
    """A task at work."""

    def __init__(self, task: Task, worker: str, known: Known, sleep: Callable[[float], object]) -> None:
        self._task, self._worker, self._known, self._sleep = task, worker, known, sleep
        self._redis: Any = connect(task.url, f"rtlab-shard-{task.shard}-pid-{os.getpid()}")
        self._held: dict[str, Held] = {}
        self._at: dict[str, bytes] = {}
        self._careful: dict[str, int] = {}  # entries that are still to be folded one by one, by instrument
        self._next_beat = self._next_look = 0.0
        self._rows = 0
        self.has_committed = False
        self._began_cpu = time.thread_time()
        scripts = (COMMIT, ATTEMPT, BURY, TAKE_BACK)
        self._commit, self._attempt, self._bury, self._take_back = map(self._redis.register_script, scripts)

    def run(self, until: Callable[[], bool]) -> str:
        """Fold until there is a reason to end."""
        while not until():
            now = time.monotonic()
            if now >= self._next_look:
                if reason := self._reason():
                    if reason == "stopped":  # else it is for another task to say how the shard stands
                        self._beat(reason)
                    return reason
                self._take_leases()
                self._next_look = now + LOOK_S
            if now >= self._next_beat:
                self._beat("folding")
                self._next_beat = now + BEAT_S
            self._read()
        self._beat("done")
        return "done"

    def close(self) -> None:
        """Leave Redis and take the graphs apart."""
        for held in self._held.values():
            held.running.close()
        self._redis.close()

    def _reason(self) -> str | None:
        plan = self._redis.hgetall(plan_key(self._task.name))
        if plan.get(b"stopped") == b"1":
            return "stopped"
        if int(plan.get(b"generation", b"0")) > self._task.generation:
            return "superseded"
        leases = [held.keys.lease for held in self._held.values()]
        epochs = self._redis.mget(leases) if leases else []
        if any(
            int(found or 0) != held.epoch for found, held in zip(epochs, self._held.values(), strict=True)
        ):
            return "fenced"
        return None

    def _take_leases(self) -> None:
        for symbol, (instrument, number) in read_numbered(self._redis, self._task.name).items():
            if symbol in self._held or shard_of(number, self._task.shards) != self._task.shard:
                continue
            keys = keys_of(self._task.name, symbol)
            if symbol in self._known.attempted:
                self._take_back([keys.checkpoint])
                self._known.attempted.discard(symbol)
            held = self._known.epochs.pop(
                symbol, None
            )  # before Redis was lost; not known until it answers again
            if held is not None and int(self._redis.get(keys.lease) or 0) > held:
                raise FencedError(f"another task folds {symbol} now", got=f"epoch {held}")
            epoch = int(self._redis.incr(keys.lease))  # from here on who held it before is refused
            self._known.epochs[symbol] = epoch
            at, state = self._redis.hmget(keys.checkpoint, "id", "state")
            self._held[symbol] = Held(instrument, keys, epoch, self._task.graph.begin(instrument, state))
            self._at[symbol] = at or b"0-0"
            self._careful[symbol] = self._task.batch

    def _read(self) -> None:
        if not self._held:
            time.sleep(BLOCK_MS / 1e3)
            return
        logs = {held.keys.log: symbol for symbol, held in self._held.items()}
        count = 1 if self._careful else self._task.batch
        positions = {log: self._at[symbol] for log, symbol in logs.items()}
        for log, entries in self._redis.xread(positions, count=count, block=BLOCK_MS) or ():
            symbol = logs[log.decode()]
            self._fold(symbol, [(at, fields.get(b"d", b"")) for at, fields in entries])

    def _fold(self, symbol: str, entries: list[tuple[bytes, bytes]]) -> None:
        held, before = self._held[symbol], self._at[symbol]
        if symbol in self._careful:
            attempts = int(self._attempt([held.keys.checkpoint, held.keys.lease], [held.epoch]))
            if attempts < 0:
                raise FencedError(f"another task folds {symbol} now", got=f"epoch {held.epoch}")
            self._known.attempted.add(symbol)
            if attempts > ATTEMPTS:
                self._sleep(SETTLE_S)
                attempts = int(self._redis.hget(held.keys.checkpoint, "attempts") or 0)
            if attempts > ATTEMPTS:
                self._put_aside(symbol, entries[0], attempts - 1)
                return
        errors = held.running.errors
        try:
            frame = frame_of(self._task.graph.channel, held.instrument, [entry for _, entry in entries])
            came = held.running.push(frame)
        except RtlabError as problem:
            raise self._poison(symbol, str(problem)) from problem
        if held.running.errors > errors:
            raise self._poison(symbol, held.running.failures[-1].error)
        self._save(symbol, before, entries[-1][0], pack_results(came), frame.rows)

    def _save(self, symbol: str, before: bytes, now: bytes, results: bytes, rows: int) -> None:
        held, task = self._held[symbol], self._task
        keys = [held.keys.checkpoint, held.keys.lease, held.keys.results, held.keys.log]
        state, trim = held.running.state(), "1" if task.trim else "0"
        attempted = int(symbol in self._known.attempted)
        said: list[Any] = [held.epoch, before, now, state, results, rows, 0, task.kept, trim, attempted]
        self._check(symbol, self._commit(keys, said))
        self._at[symbol] = now
        if symbol in self._careful:
            self._careful[symbol] -= 1
            if not self._careful[symbol]:
                del self._careful[symbol]
        self._rows += rows

    def _put_aside(self, symbol: str, entry: tuple[bytes, bytes], attempts: int) -> None:
        held = self._held[symbol]
        reason = f"{attempts} attempts at it ended their task{self._last_word(symbol)}"
        keys = [held.keys.checkpoint, held.keys.lease, held.keys.dead]
        self._check(symbol, self._bury(keys, [held.epoch, self._at[symbol], entry[0], entry[1], reason]))
        logger.error("%s: an entry was put aside: %s", symbol, reason)
        self._at[symbol] = entry[0]

    def _poison(self, symbol: str, why: str) -> PoisonError:
        held = self._held[symbol]
        self._redis.hset(held.keys.checkpoint, "why", why)  # a word only: it decides nothing
        return PoisonError(f"the rows of {symbol} after {self._at[symbol].decode()} cannot be folded: {why}")

    def _last_word(self, symbol: str) -> str:
        why = self._redis.hget(self._held[symbol].keys.checkpoint, "why")
        return f"; the last said: {why.decode()}" if why else ""

    def _check(self, symbol: str, answer: bytes) -> None:
        if answer != b"OK":
            raise FencedError(f"another task folds {symbol} now", expected="OK", got=answer.decode())
        self.has_committed = True
        self._known.attempted.discard(symbol)

    def _beat(self, said: str) -> None:
        task, cpu = self._task, time.thread_time() - self._began_cpu
        beat = Beat(
            self._worker, os.getpid(), task.generation, time.time(), len(self._held), self._rows, cpu, said
        )
        self._redis.hset(beats_key(task.name), str(task.shard), msgspec.msgpack.encode(beat))
