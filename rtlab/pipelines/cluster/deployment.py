"""A graph on a Dask cluster: where its tasks run, and how they are moved, multiplied and ended.

Dask places the tasks, notices the death of a worker and starts them elsewhere. What it cannot know is held by
Redis: who may commit, and up to where everything is done (see `shard`). So whatever is done here may be done twice,
or by two people, or again after the scheduler's death.
"""

import logging
import pickle
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from rtlab.errors import ConfigError, LocalError, UnreachableError
from rtlab.pipelines.cluster.keys import beats_key, keys_of, plan_key
from rtlab.pipelines.cluster.log import connect, read_instruments, read_numbered
from rtlab.pipelines.cluster.scripts import BEHIND
from rtlab.pipelines.cluster.shard import Beat, Gone, Task, shard_of
from rtlab.pipelines.cluster.starting import check_workers, starting
from rtlab.pipelines.cluster.warming import warming
from rtlab.pipelines.graph import Graph

if TYPE_CHECKING:
    from distributed import Client

SILENT_S = 2.0
DOUBLINGS = 5  # of the patience with a shard whose new task shows no sign of life either: up to a minute
TEND_S = 0.5
RETRIES = 1_000_000
logger = logging.getLogger(__name__)


class ShardStatus(NamedTuple):
    """A shard as it stands."""

    shard: int
    worker: str  # that held it last
    said: str
    age_s: float  # of the last sign of life
    instruments: tuple[str, ...]
    rows: int  # folded and committed, of its instruments
    behind: int  # entries in the log that are not folded yet
    attempts: int  # at the entry that comes next
    fenced: int  # commits that were refused, since another task held the lease
    dead: int  # entries that were put aside
    cut: int  # entries of results that left for newer ones, since no more than `kept` stay


def deploy(
    graph: Graph, client: "Client", shards: int = 1, *, url: str, name: str | None = None, **settings: Any
) -> "Deployment":
    """Run `graph` on every instrument of a log (see `Log`), in `shards` tasks on the workers of `client`.

    `url` is of the Redis that every worker reaches; `name` (default: the graph's) that of the log. Calling it again
    goes on where it was, with this graph and so many shards. `settings` are those of `Task`: batch, kept, trim, and
    `alone_s`, how long shards go on when the scheduler is lost (60 s): until another one answers at its address.

    Raises LocalError for a graph that cannot be pickled, ConfigError for workers without rtlab or with other
    versions, and for a state that the graph cannot go on from; UnreachableError when Redis does not answer.
    """
    if shards < 1:
        raise ConfigError("a number of shards is out of range", expected="at least 1", got=shards)
    check_workers(client)
    deployment = Deployment(graph, client, url, name or graph.name, settings)
    deployment.introduce()
    deployment.resize(shards)
    return deployment


class Deployment:
    """Made by `deploy`. While it is open, a thread of it sees to it that every shard has a task.

    When the scheduler dies the shards go on where they are (see `lasting`). If another one answers at its address
    while the client still tries, they become its tasks, one by one; a client that has given up needs `deploy` again.
    """

    def __init__(self, graph: Graph, client: "Client", url: str, name: str, settings: dict[str, Any]) -> None:
        self.graph, self.client, self.url, self.name = graph, client, url, name
        self.shards = self.generation = self.submitted = 0
        self._settings, self._packed = settings, _pickled(graph)
        self._redis: Any = connect(url)
        self._since: dict[int, float] = {}  # when a shard's task was submitted
        self._in_vain: dict[int, int] = {}  # how often in a row, without a sign of life
        self._futures: dict[int, Any] = {}
        self.unfit: dict[str, str] = {}
        """Workers that cannot run a shard, each with the reason: they joined after `deploy`, which refuses such."""
        self._turned_away: set[int] = set()  # shards whose last task met one of them
        self._topic = f"rtlab-unfit-{name}-{uuid.uuid4().hex[:8]}"
        self._start, self._scheduler = starting(self._topic), ""
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._tending = threading.Thread(target=self._tend_on, name=f"tend {name}", daemon=True)

    def __enter__(self) -> "Deployment":
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def introduce(self) -> None:
        """Tell the scheduler what it has to know of this deployment, where it is another one than the last time."""
        scheduler = str(self.client.scheduler_info(n_workers=0)["id"])
        if scheduler != self._scheduler:
            self.client.subscribe_topic(self._topic, self._on_unfit)  # type: ignore[no-untyped-call]
            self.client.register_plugin(warming(self.name, self._packed))
            self._scheduler = scheduler

    def resize(self, shards: int) -> None:
        """Share the instruments out among so many shards, from where each stands. May be called at any time."""
        if shards < 1:
            raise ConfigError("a number of shards is out of range", expected="at least 1", got=shards)
        with self._lock:
            try:
                self._check_states()
                self._redis.hset(plan_key(self.name), mapping={"shards": shards, "stopped": 0})
                self.generation = int(self._redis.hincrby(plan_key(self.name), "generation", 1))
            except Gone as problem:
                raise UnreachableError(f"the Redis of {self.url} does not answer: {problem}") from problem
            self.shards = shards
            for shard in range(shards):
                self._submit(shard, self._place(shard))
        if not self._tending.is_alive() and not self._closed.is_set():
            self._tending.start()

    def move(self, shard: int, worker: str) -> None:
        """Give a shard to another worker: its new task takes the lease, the old one is refused and ends."""
        if not 0 <= shard < self.shards:
            raise ConfigError("there is no such shard", expected=f"0 to {self.shards - 1}", got=shard)
        known = self._known()
        if worker not in known:
            raise ConfigError("there is no such worker", expected=known, got=worker)
        if worker in self.unfit:
            raise ConfigError(
                f"the worker {worker} cannot run a shard", expected="one that can", got=self.unfit[worker]
            )
        with self._lock:
            self._submit(shard, worker)

    def status(self) -> list[ShardStatus]:
        """Tell how each shard stands. UnreachableError when Redis does not answer."""
        try:
            numbers = {
                symbol: number for symbol, (_, number) in read_numbered(self._redis, self.name).items()
            }
            beats = self._beats()
            return [self._status(shard, beats.get(shard), numbers) for shard in range(self.shards)]
        except Gone as problem:
            raise UnreachableError(f"the Redis of {self.url} does not answer: {problem}") from problem

    def tend(self) -> list[int]:
        """Submit what shows no sign of life; give those shards. The deployment's thread does this by itself.

        Each new task takes the lease from the one before: on a machine so busy that none comes to work in time they
        would end each other for ever, so the patience doubles. Where another has deployed since, nothing is done,
        nor where no scheduler is there. What goes on without the one that it was submitted to is submitted to the
        next one, where it is.
        """
        silent: list[int] = []
        beats, now = self._beats(), time.time()
        with self._lock:
            if int(self._redis.hget(plan_key(self.name), "generation") or 0) > self.generation:
                return silent
            if self.client.status != "running":
                return silent
            forgotten = self._forgotten()
            for shard in range(self.shards):
                beat = beats.get(shard)
                if shard in self._turned_away and (worker := self._place(shard)) is not None:
                    self._submit(shard, worker)
                    continue
                if beat is not None and beat.generation == self.generation and now - beat.at < SILENT_S:
                    self._in_vain[shard] = 0
                    if shard in forgotten and beat.worker in self._known():
                        self._submit(shard, beat.worker)
                    continue
                vain = self._in_vain.get(shard, 0)
                if now - self._since.get(shard, 0.0) > SILENT_S * 2 ** min(vain, DOUBLINGS):
                    self._submit(shard, self._place(shard, avoid=beat.worker if beat else ""))
                    self._in_vain[shard] = vain + 1
                    silent.append(shard)
        return silent

    def stop(self, timeout_s: float = 10.0) -> None:
        """End all tasks, after what they have under way is committed. Idempotent; `deploy` goes on from here."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._redis.hset(plan_key(self.name), "stopped", 1)
        if self._tending.is_alive():
            self._tending.join(timeout_s)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            beats = self._beats()
            if all(beats[n].said == "stopped" for n in range(self.shards) if n in beats):
                break
            time.sleep(0.02)
        self._futures.clear()
        self._redis.close()

    def _submit(self, shard: int, worker: str | None) -> None:
        import cloudpickle
        from distributed import fire_and_forget

        self._turned_away.discard(shard)
        task = Task(self.graph, self.url, self.name, shard, self.shards, self.generation, **self._settings)
        future = self.client.submit(
            self._start,
            cloudpickle.dumps(task),
            shard,
            key=f"{self.name}-{shard}-{uuid.uuid4().hex[:8]}",
            pure=False,
            retries=RETRIES,
            workers=None if worker is None else [worker],
            allow_other_workers=worker is not None,
        )
        fire_and_forget(future)  # type: ignore[no-untyped-call]
        self._futures[shard], self._since[shard] = future, time.time()
        self.submitted += 1

    def _forgotten(self) -> set[int]:
        """Give the shards whose tasks no scheduler knows any more, after what the present one must know is told."""
        shards = {shard for shard, future in self._futures.items() if future.cancelled()}
        if shards:
            self.introduce()
        return shards

    def _known(self) -> list[str]:
        return sorted(self.client.scheduler_info(n_workers=-1)["workers"])

    def _place(self, shard: int, avoid: str = "") -> str | None:
        """Choose a worker; None where none is there that can run it. Who is silent may be frozen, and still known."""
        known = self._known()
        self.unfit = {one: reason for one, reason in self.unfit.items() if one in known}
        fit = [one for one in known if one not in self.unfit]
        workers = [one for one in fit if one != avoid] or fit
        return workers[shard % len(workers)] if workers else None

    def _on_unfit(self, event: tuple[float, dict[str, Any]]) -> None:
        """Note who cannot run a shard: called by Dask's client, with the time and what `starting` tells."""
        _, said = event
        worker, reason = str(said["worker"]), str(said["reason"])
        if worker not in self.unfit:
            logger.warning("the worker %s cannot run shards of %s: %s", worker, self.name, reason)
        self.unfit = {**self.unfit, worker: reason}
        self._turned_away.add(int(said["shard"]))

    def _tend_on(self) -> None:
        while not self._closed.wait(TEND_S):
            try:
                self.tend()
            except (
                *Gone,
                RuntimeError,
                ValueError,
                TimeoutError,
            ):  # Redis or the scheduler is away: later again
                continue

    def _beats(self) -> dict[int, Beat]:
        found = self._redis.hgetall(beats_key(self.name))
        return {int(shard): msgspec.msgpack.decode(beat, type=Beat) for shard, beat in found.items()}

    def _check_states(self) -> None:
        for symbol, instrument in read_instruments(self._redis, self.name).items():
            state = self._redis.hget(keys_of(self.name, symbol).checkpoint, "state")
            self.graph.begin(instrument, state).close()

    def _status(self, shard: int, beat: Beat | None, numbers: dict[str, int]) -> ShardStatus:
        mine = tuple(symbol for symbol, number in numbers.items() if shard_of(number, self.shards) == shard)
        rows = behind = attempts = fenced = dead = cut = 0
        for symbol in mine:
            keys = keys_of(self.name, symbol)
            at, *numbers = self._redis.hmget(
                keys.checkpoint, "id", "rows", "attempts", "fenced", "dead", "cut"
            )
            counted = [int(number or 0) for number in numbers]
            rows, attempts = rows + counted[0], max(attempts, counted[1])
            fenced, dead, cut = fenced + counted[2], dead + counted[3], cut + counted[4]
            behind += int(self._redis.eval(BEHIND, 1, keys.log, b"(" + (at or b"0-0")))
        worker, said, at_s = (beat.worker, beat.said, beat.at) if beat else ("", "never seen", 0.0)
        age = time.time() - at_s if beat else float("inf")
        return ShardStatus(shard, worker, said, age, mine, rows, behind, attempts, fenced, dead, cut)


def _pickled(graph: Graph) -> bytes:
    import cloudpickle  # comes with distributed

    try:
        return bytes(cloudpickle.dumps(graph))
    except (TypeError, AttributeError, ValueError, pickle.PicklingError) as problem:
        what, wanted = f"the graph {graph.name} cannot be sent to workers", "functions that can be pickled"
        raise LocalError(what, expected=wanted, got=str(problem)) from problem
