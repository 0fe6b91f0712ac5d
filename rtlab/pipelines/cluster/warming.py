"""Workers that are ready before a shard comes, so that after a death nothing is left to import, load or build.

The first shard on a fresh worker takes some 150 to 250 ms to import Redis's client, the graph's own modules and the
kernels; on a warm one it is at work within 20 ms. Each worker that joins a cluster is therefore warmed with every
deployment's graph, beside what it does already. To let none join before it is warm, start the workers with
`dask worker ... --preload rtlab.pipelines.cluster.warming`. The scheduler needs none of it: see `starting`.
"""

import logging
import pickle
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

from rtlab.model import Instrument

if TYPE_CHECKING:
    from distributed import WorkerPlugin

logger = logging.getLogger(__name__)
NOBODY = Instrument("?", Decimal(1), Decimal(1))


def warm(packed: bytes | None = None) -> bool:
    """Load all that a shard runs on, then the pickled graph `packed`: it is built once, and folds nothing.

    Tells whether the graph came to be built. One that cannot be is logged with the reason: the shard says it again.
    """
    from rtlab.pipelines.analytics import kernels
    from rtlab.pipelines.cluster.starting import versions  # with it come Redis's client and all of the graph

    versions()
    kernels.warm()
    if packed is None:
        return False
    try:
        pickle.loads(packed).begin(NOBODY).close()
    except Exception as problem:  # noqa: BLE001  # whatever a user's module or function raises
        logger.warning("this worker cannot be warmed with a graph: %r", problem)
        return False
    return True


def dask_setup(server: object) -> None:
    """Let a worker that preloads this join when it is warm: Dask calls it before the worker serves."""
    warm()


def warming(name: str, packed: bytes) -> "WorkerPlugin":
    """Give a plugin that warms each worker, now and of later, with the pickled graph of deployment `name`.

    It is sent by value and loads the graph in a thread: a worker without rtlab, or without the graph's modules,
    joins all the same.
    """
    from distributed import WorkerPlugin

    class Warming(WorkerPlugin):
        def __init__(self) -> None:
            self.name = f"rtlab-warming-{name}"

        def setup(self, worker: object) -> None:
            from rtlab.pipelines.cluster.warming import warm

            threading.Thread(target=warm, args=(packed,), name=self.name, daemon=True).start()

    return Warming()
