"""Compile the kernels of feed, engine, simulated market, analytics and level of detail, for what runs later."""

from rtlab.engine import Engine
from rtlab.feed.fanout import warm_up
from rtlab.pipelines.analytics import kernels
from rtlab.protocol import looks
from rtlab.sources.simulated import Simulated, demo_instruments
from rtlab.views import cells, m4

if __name__ == "__main__":
    warm_up()
    looks.warm_up()
    instruments = demo_instruments()
    Engine(instruments)
    Simulated(instruments, rate=1, seed=1)
    kernels.warm()
    m4.compile_all()
    cells.compile_all()
