"""The kernel of the simulated market: what `rtlab.sources.Simulated` runs."""

from rtlab.sources.simulation.generate import generate
from rtlab.sources.simulation.layout import Memory
from rtlab.sources.simulation.memory import make_memory

__all__ = ["Memory", "generate", "make_memory"]
