"""How the recorder stands, told in Redis to who looks after it: gateways, labs, and the command line.

The recorder writes its statistics under a key that goes when it says nothing for `GONE_MS`. What was given up before
a recorder had it is counted by the writer, in a key of each instrument that stays.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import msgspec

from rtlab.errors import StoreError
from rtlab.store.keys import INSTRUMENTS, RECORDER, Grids, unrecorded_key

GONE_MS = 5000
EVERY_S = 1.0


class RecorderStatistics(NamedTuple):
    """What was made safe, how far behind it is, and what went wrong.

    `gaps` were recorded as such, with their reason; `blocked` counts how often the cold side took nothing.
    `unrecorded` entries were given up since this Redis began, because a recorder was further behind than its limit of
    bytes; `rows_lost` are the rows that this recorder found missing.
    """

    state: str
    rows: int = 0
    entries: int = 0
    lag_s: float = 0.0
    lag_rows: int = 0
    worst_lag_s: float = 0.0
    rolls: int = 0
    files: int = 0
    recovered: int = 0
    gaps: int = 0
    contradictions: int = 0
    gone: int = 0
    stalled: int = 0
    blocked: int = 0
    unrecorded: int = 0
    rows_lost: int = 0


class Standing(NamedTuple):
    """The recorder as it told last, None when there is none; and the entries that were given up, ever."""

    recorder: RecorderStatistics | None
    unrecorded: int

    @classmethod
    async def ask(cls, redis: Any, symbols: Iterable[str]) -> Self:
        """Ask a Redis how its recorder of `symbols` stands; StoreError when what it has is not of rtlab."""
        pipeline = redis.pipeline(transaction=False)
        for key in (RECORDER, *map(unrecorded_key, symbols)):
            pipeline.get(key)
        told, *counts = await pipeline.execute()
        try:
            recorder = None if told is None else unpacked(told)
            return cls(recorder, sum(int(one) for one in counts if one is not None))
        except (msgspec.DecodeError, TypeError, ValueError) as problem:
            raise StoreError(f"what a recorder tells is not of rtlab: {problem}") from None

    @property
    def lag_s(self) -> float:
        """For how long the oldest entry that is not safe yet has been in Redis; -1 without a recorder."""
        return -1.0 if self.recorder is None else self.recorder.lag_s


NOBODY = Standing(None, 0)


def packed(statistics: RecorderStatistics) -> bytes:
    """Give what the recorder writes."""
    return msgspec.json.encode(statistics._asdict())


def unpacked(told: bytes) -> RecorderStatistics:
    """Read it; fields that this version does not know are left out."""
    fields = msgspec.json.decode(told, type=dict[str, Any])
    return RecorderStatistics(**{name: fields[name] for name in RecorderStatistics._fields if name in fields})


async def symbols_of(redis: Any) -> list[str]:
    """Give the symbols of what an engine writes there; none while none ever wrote."""
    told = await redis.get(INSTRUMENTS)
    return [] if told is None else [symbol for symbol, _, _ in msgspec.msgpack.decode(told, type=Grids)]


def line_of(told: RecorderStatistics) -> str:
    """Say in one line how a recorder stands."""
    lost = f", LOST {told.rows_lost:,} rows" if told.rows_lost else ""
    given_up = f", {told.unrecorded:,} entries given up" if told.unrecorded else ""
    return (
        f"{told.state}: {told.rows:,} rows safe, {told.lag_s:.1f} s and {told.lag_rows:,} rows behind"
        f" (worst {told.worst_lag_s:.1f} s), {told.gaps} gaps{given_up}{lost}"
    )
