"""The names of keys, and a point of an instrument's history as the id of a stream's entry."""

from typing import NamedTuple, Self

INSTRUMENTS = "rtlab:instruments"
"""What the engine trades: msgpack of `Grids`."""
Grids = list[tuple[str, str, str]]
"""[(symbol, tick size, lot size)]"""
ENGINE = "rtlab:engine"
"""What the engine sets to another value several times a second, whether its market moves or not."""
RECORDER = "rtlab:recorder"
"""How the recorder stands, while there is one: JSON of its statistics."""


def steps_key(symbol: str) -> str:
    """Name the stream of an instrument's steps."""
    return f"rtlab:{{{symbol}}}:steps"


def state_key(symbol: str) -> str:
    """Name the key of an instrument's packed state."""
    return f"rtlab:{{{symbol}}}:state"


def recorded_key(symbol: str) -> str:
    """Name the key that says up to where a recorder has an instrument safe: entries after it are not trimmed."""
    return f"rtlab:{{{symbol}}}:recorded"


def unrecorded_key(symbol: str) -> str:
    """Name the counter of an instrument's entries that were given up before a recorder had them."""
    return f"rtlab:{{{symbol}}}:unrecorded"


def hot_key(symbol: str, what: str) -> str:
    """Name the key of an instrument's newest `book`, `ticker` or `bars`."""
    return f"rtlab:{{{symbol}}}:{what}"


class Point(NamedTuple):
    """Where an instrument stands: `position` level changes and trades into `epoch`."""

    epoch: int
    position: int

    @property
    def id(self) -> str:
        """Give the id of the entry that ends here."""
        return f"{self.epoch}-{self.position}"

    @classmethod
    def of(cls, entry_id: bytes) -> Self:
        """Read an entry's id."""
        epoch, _, position = entry_id.partition(b"-")
        return cls(int(epoch), int(position))
