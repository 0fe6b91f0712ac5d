"""Compile the kernels of engine, simulated market, analytics and level of detail; what runs later loads them."""

from rtlab.engine import Engine
from rtlab.pipelines.analytics import kernels
from rtlab.sources.simulated import Simulated, demo_instruments
from rtlab.views.m4 import compile_all

if __name__ == "__main__":
    instruments = demo_instruments()
    Engine(instruments)
    Simulated(instruments, rate=1, seed=1)
    kernels.warm()
    compile_all()
