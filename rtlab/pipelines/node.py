"""A node around a fold: frames in, frames out, and a memory that can be taken out and put back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError, LocalError
from rtlab.model import Instrument
from rtlab.pipelines.frame import Column, Frame
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.stream import FrameStream, Metadata, Pending

Columns = dict[str, Column]

TRADES = ("ts", "ticks", "lots")
QUOTES = ("ts", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
WHOLE = frozenset({*TRADES, *QUOTES, "seq", "side", "start"})
"""The columns that hold whole numbers."""


class Fold(Protocol):
    """What a node asks of a fold."""

    @property
    def left_out(self) -> int:
        """Rows that made no row."""

    @property
    def parameters(self) -> dict[str, object]:
        """What the fold was made with."""

    def state(self) -> bytes:
        """Everything that is needed to go on from here."""

    @classmethod
    def restore(cls, state: bytes) -> Self:
        """Go on from what `state` gave."""


F = TypeVar("F", bound=Fold)


class Folding(FrameStream, Generic[F]):
    """A node that remembers in a `fold`."""

    fold: F
    _settings: Mapping[str, object]

    @property
    def left_out(self) -> int:
        """Rows that made no row: they came too late, or told nothing (see the fold)."""
        return self.fold.left_out

    @property
    def parameters(self) -> dict[str, object]:
        """What the node was made with."""
        return {**self.fold.parameters, **self._settings}

    def state(self) -> bytes:
        """Give what the fold remembers, for `state=` of a new node."""
        return self.fold.state()

    def load(self, name: str, state: bytes) -> None:
        """Go on from `state`, a memory that is told by `name` where it does not fit."""
        self.fold = restored(name, self.fold, state)


class FoldNode(Folding[F]):
    """A node called `name` around a fold: `columns` takes a frame with the columns `needs` to those it emits.

    A frame without rows, or of which nothing is left, emits nothing. With `state`, the fold goes on from there.
    Raises LocalError for a stream or a frame that cannot have these columns, ConfigError for a state of a fold
    that was made otherwise. `settings` are what else it was made with.
    """

    def __init__(
        self,
        upstream: FrameStream,
        name: str,
        needs: Sequence[str],
        fold: F,
        columns: Callable[[F, Frame], Columns],
        *,
        key: str | None = None,
        channels: Sequence[str] = (),
        state: bytes | None = None,
        **settings: object,
    ) -> None:
        channel = getattr(upstream, "channel", None)
        if channels and channel is not None and channel not in channels:
            raise LocalError(f"{name} cannot fold this stream", expected=" or ".join(channels), got=channel)
        self.channel, self.fold, self._settings = name, fold, settings
        self._needs, self._columns, self._key = frozenset(needs), columns, key
        if state is not None:
            self.load(name, state)
        super().__init__(upstream, stream_name=name)  # the last step: from here on frames come

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Fold a frame and emit what comes of it."""
        x = checked(self, x, self._needs)
        return self.give(x, self._columns(self.fold, x), metadata)

    def give(self, of: Frame, columns: Columns, metadata: Metadata | None = None) -> Pending:
        """Emit columns as a frame of the instrument of `of`, where they have rows."""
        folded = Frame(str(self.channel), of.instrument, columns, self._key)
        return self._emit(folded, metadata) if folded.rows else []


class LegsNode(Folding[F]):
    """A node around a fold of several streams, its `legs`: `columns` is told the leg of each frame.

    What it emits is of the first leg's instrument. Raises LocalError for a stream that comes twice.
    """

    _instrument: Instrument | None = None

    def __init__(
        self,
        legs: Sequence[FrameStream],
        name: str,
        needs: Sequence[Sequence[str]],
        fold: F,
        columns: Callable[[F, int, Frame], Columns],
        *,
        key: str | None = None,
        state: bytes | None = None,
        **settings: object,
    ) -> None:
        if len(set(map(id, legs))) < len(legs):
            raise LocalError(f"{name} was given a stream twice", expected="different streams", got=list(legs))
        self.channel, self.fold, self.legs, self._settings = name, fold, tuple(legs), settings
        self._needs, self._columns, self._key = [frozenset(one) for one in needs], columns, key
        if state is not None:
            self.load(name, state)
        super().__init__(upstreams=list(legs), stream_name=name)

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Fold a frame of one leg and emit what comes of it."""
        leg = next(number for number, one in enumerate(self.legs) if one is who)
        x = checked(self, x, self._needs[leg])
        if leg == 0 or self._instrument is None:
            self._instrument = x.instrument
        folded = Frame(str(self.channel), self._instrument, self._columns(self.fold, leg, x), self._key)
        return self._emit(folded, metadata) if folded.rows else []


def checked(node: FrameStream, x: object, needs: frozenset[str]) -> Frame:
    """Give `x` where it is a frame with the columns `needs`, of the kind that they have; else LocalError."""
    if not isinstance(x, Frame) or not x.columns.keys() >= needs:
        wanted = ", ".join(sorted(needs))
        raise LocalError(f"{node.name} cannot fold this", expected=f"a frame with {wanted}", got=x)
    for name in needs:
        kind = x.columns[name].dtype.kind
        if kind not in ("iuO" if name in WHOLE else "iufO"):
            wanted = "whole numbers" if name in WHOLE else "numbers"
            raise LocalError(
                f"{node.name} cannot fold the column {name}", expected=wanted, got=str(x.columns[name].dtype)
            )
    return x


def restored(name: str, fold: F, state: bytes) -> F:
    """Give a fold like `fold` that goes on from `state`; ConfigError when that was made otherwise."""
    other = type(fold).restore(state)
    if other.parameters != fold.parameters:
        raise ConfigError(
            f"a saved state of {name} was made otherwise",
            expected=told(fold.parameters),
            got=told(other.parameters),
        )
    return other


def told(parameters: Mapping[str, object]) -> str:
    """Write parameters as a text."""
    return ", ".join(f"{name}={value!r}" for name, value in sorted(parameters.items())) or "nothing"


def optional_ns(interval: str | int | None) -> int:
    """Give an interval in ns, 0 for none."""
    return 0 if interval is None else interval_ns(interval)


def places(
    frame: Frame, kept: NDArray[np.bool_] | NDArray[np.intp] | slice, start: Column | None = None
) -> Columns:
    """Give the time and sequence of the rows that are kept, with the start of their windows where given."""
    found: Columns = {name: frame[name][kept] for name in ("ts", "seq") if name in frame.columns}
    return found if start is None else {**found, "start": start}


def floats(frame: Frame, name: str) -> NDArray[np.float64]:
    """Give a column as float64; LocalError when it is of another kind than numbers."""
    column: Any = frame[name]
    if column.dtype.kind not in "iuf":
        raise LocalError(f"the column {name} holds no numbers", expected="float64", got=str(column.dtype))
    return np.asarray(column, np.float64)
