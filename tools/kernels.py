"""Compile the kernels of feed, engine, simulated market, analytics and level of detail, for what runs later.

Two processes share them out, the longest first: the engine takes as long as all others together.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def engine() -> None:
    from rtlab.engine import Engine
    from rtlab.sources.simulated import demo_instruments

    Engine(demo_instruments())


def market() -> None:
    from rtlab.sources.simulated import Simulated, demo_instruments

    Simulated(demo_instruments(), rate=1, seed=1)


def level_of_detail() -> None:
    from rtlab.views import cells, m4

    m4.compile_all()
    cells.compile_all()


def analytics() -> None:
    from rtlab.pipelines.analytics import kernels

    kernels.warm()


def feed() -> None:
    from rtlab.feed.fanout import warm_up
    from rtlab.protocol import looks

    warm_up()
    looks.warm_up()


LONGEST_FIRST: tuple[Callable[[], None], ...] = (engine, market, level_of_detail, analytics, feed)

if __name__ == "__main__":
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for done in [pool.submit(compile_kernels) for compile_kernels in LONGEST_FIRST]:
            done.result()
