"""`in_order`: rows in the order of event time, and the stated policy for those that are late."""

import numpy as np

from rtlab.errors import LocalError
from rtlab.pipelines.analytics.align import LIMIT, Aligner, Saved
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Column, Frame
from rtlab.pipelines.interval import interval_ns
from rtlab.pipelines.node import Columns, FoldNode
from rtlab.pipelines.stream import FrameStream, Pending, register


class _Memory(Memory, kw_only=True):
    aligner: Saved
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


class OrderFold(SavedFold[_Memory]):
    """Puts the rows of frames in order of their `ts`: every column is carried as 64 bits, and given back as it was."""

    KIND, FORM, PARAMETERS = "in_order", _Memory, ("aligner.lateness_ns", "aligner.limit")

    def __init__(self, lateness_ns: int, limit: int = LIMIT) -> None:
        super().__init__(_Memory(aligner=Aligner(1, 1, lateness_ns, limit).saved()))

    def fold(self, columns: Columns) -> Columns:
        """Take columns of equal length, `ts` among them; give the rows that need wait no longer."""
        memory = self.memory
        names = ("ts", *(name for name in columns if name != "ts"))
        kinds = tuple(columns[name].dtype.str for name in names)
        rows = np.stack([_bits(columns[name]) for name in names], axis=1)
        if not memory.names:
            saved = memory.aligner
            memory.names, memory.kinds = names, kinds
            memory.aligner = Aligner(1, len(names), saved.lateness_ns, saved.limit).saved()
        if (names, kinds) != (memory.names, memory.kinds):
            raise LocalError(
                "frames of different columns were put in order", expected=memory.names, got=names
            )
        aligner = Aligner.of(memory.aligner)
        return self._given(aligner, aligner.take(0, rows).rows)

    def finish(self) -> Columns:
        """Give the rows that still wait: none is to come."""
        aligner = Aligner.of(self.memory.aligner)
        return self._given(aligner, aligner.finish().rows)

    def _given(self, aligner: Aligner, rows: Column) -> Columns:
        memory = self.memory
        memory.aligner, memory.left_out = aligner.saved(), aligner.late
        pairs = zip(memory.names, memory.kinds, strict=True)
        return {name: _plain(rows[:, number], np.dtype(kind)) for number, (name, kind) in enumerate(pairs)}


def _bits(column: Column) -> Column:
    if column.dtype.kind == "f":
        return np.ascontiguousarray(column, np.float64).view(np.int64)
    if column.dtype.kind in "iub":
        return column.astype(np.int64)
    raise LocalError("a column cannot be put in order", expected="numbers", got=str(column.dtype))


def _plain(bits: Column, kind: np.dtype) -> Column:
    bits = np.ascontiguousarray(bits)
    return (bits.view(np.float64) if kind.kind == "f" else bits).astype(kind)


class OrderNode(FoldNode[OrderFold]):
    """`in_order`, with `finish` for the end of a stream."""

    last: Frame | None = None

    def finish(self) -> Pending:
        """Emit what still waits: no row is to come."""
        return self.give(self.last, self.fold.finish()) if self.last is not None else []


@register
def in_order(upstream: FrameStream, lateness: str | int = 0, *, state: bytes | None = None) -> OrderNode:
    """Give the rows in the order of their `ts`. A row may come `lateness` after later ones; beyond, it is late.

    The watermark is the newest `ts` less `lateness`. Rows wait until it has reached them (`finish` at the end of
    a stream); one that is older than it when it comes is dropped and counted (`left_out`). Rows of one time keep
    the order of arrival. All nodes below then see no late row.
    """

    def columns(fold: OrderFold, frame: Frame) -> Columns:
        node.last = frame.part(0, 0)
        return fold.fold(dict(frame.columns))

    fold = OrderFold(0 if lateness == 0 else interval_ns(lateness))
    node = OrderNode(upstream, "in_order", ("ts",), fold, columns, state=state)
    return node
