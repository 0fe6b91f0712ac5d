"""How a task begins on a worker, which need not be able to run it: it may have joined at any time, with anything.

What is sent is a small function by value and the rest as bytes. A worker without rtlab, with other versions or
without the graph's own modules can load that, says what it lacks as an event of the cluster, and is done with it:
were it an error, Dask would try the task again there at once, for ever.
"""

import platform
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from rtlab.errors import ConfigError
from rtlab.pipelines.cluster.memory import keep_freed
from rtlab.pipelines.cluster.shard import Task, run_shard

if TYPE_CHECKING:
    from distributed import Client

UNFIT = "unfit: "


@cache
def versions() -> dict[str, str]:
    """Give the versions that must be the same on both sides."""
    return {name: version(name) for name in ("rtlab", "numpy", "streamz")} | {
        "python": platform.python_version()
    }


def check_workers(client: "Client") -> None:
    """Raise ConfigError for a cluster without workers, and where one cannot run rtlab or has other versions."""
    answers = client.run(versions, on_error="return")
    if not answers:
        raise ConfigError("the cluster has no workers", expected="at least one", got=client.scheduler)
    ours = versions()
    for worker, theirs in answers.items():
        if isinstance(theirs, BaseException):
            raise ConfigError(
                f"the worker {worker} cannot run rtlab", expected="rtlab installed", got=repr(theirs)
            )
        if theirs != ours:
            raise ConfigError(f"the worker {worker} has other versions", expected=ours, got=theirs)


def check_versions(theirs: dict[str, str]) -> None:
    """Raise ConfigError where the versions of this process are not `theirs`, of who sent the task."""
    if versions() != theirs:
        raise ConfigError("this worker has other versions", expected=theirs, got=versions())


def starting(topic: str) -> Callable[[bytes, int], str]:
    """Give what a worker is sent, to be called there with a pickled `Task` and its shard.

    It gives why the task ended. Where the worker cannot run it, that begins with UNFIT, and an event of `topic`
    tells the worker's address, the shard and the reason.
    """
    ours, mark = versions(), UNFIT

    def start(packed: bytes, shard: int) -> str:
        import logging
        import pickle

        from distributed import get_worker

        worker = get_worker()
        try:
            from rtlab.pipelines.cluster.starting import check_versions, run_on_worker

            check_versions(ours)
            task = pickle.loads(packed)
        except Exception as problem:  # noqa: BLE001  # whatever a module that is missing or broken raises
            reason = f"{type(problem).__name__}: {problem}"
            logging.getLogger("distributed.worker").error("rtlab cannot run here: %s", reason)
            worker.log_event(topic, {"worker": worker.address, "shard": shard, "reason": reason})
            return mark + reason
        return run_on_worker(task)

    return start


def run_on_worker(task: Task) -> str:
    """Run a shard in a worker's thread, which Dask then leaves out of its count."""
    from distributed import get_worker, secede

    from rtlab.pipelines.cluster.lasting import lasting  # late: it needs distributed

    worker = get_worker()
    keep_freed()
    secede()  # type: ignore[no-untyped-call]
    with lasting(worker, task.alone_s) as must_end:
        return run_shard(task, worker.address, must_end)
