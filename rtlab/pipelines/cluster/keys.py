"""The keys of a deployment in Redis. Those of one instrument share a hash tag, so that one script may touch them."""

from typing import NamedTuple


class Keys(NamedTuple):
    """The keys of one instrument of a deployment."""

    log: str  # stream of packed rows
    checkpoint: str  # hash: id, state, attempts, rows, errors, fenced, dead
    lease: str  # epoch of who may commit
    results: str  # stream of packed results, by the id of the last entry folded in
    dead: str  # stream of entries that nobody could fold, with their reasons


def keys_of(name: str, symbol: str) -> Keys:
    """Name the keys of an instrument."""
    base = f"rtlab:pipeline:{{{name}:{symbol}}}"
    return Keys(*(f"{base}:{one}" for one in Keys._fields))


def instruments_key(name: str) -> str:
    """Name the hash of a deployment's instruments: symbol to tick and lot size."""
    return f"rtlab:pipeline:{{{name}}}:instruments"


def plan_key(name: str) -> str:
    """Name the hash that says how the instruments are shared out: generation, shards, stopped."""
    return f"rtlab:pipeline:{{{name}}}:plan"


def beats_key(name: str) -> str:
    """Name the hash of the last signs of life, by shard."""
    return f"rtlab:pipeline:{{{name}}}:beats"
