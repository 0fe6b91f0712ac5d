"""The lab: what a notebook or dashboard holds, and the server process behind a demo."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtlab.lab.lab import Lab, connect, demo

__all__ = ["Lab", "connect", "demo"]


def __getattr__(name: str) -> object:
    # the server process imports rtlab.lab.server and has no use for pandas and streamz
    if name in __all__:
        return getattr(import_module("rtlab.lab.lab"), name)
    raise AttributeError(f"module 'rtlab.lab' has no attribute {name!r}")
