"""What a source says to a reader at one point: the change of its state since then, or the state itself."""

from typing import Any, Generic, Literal, NamedTuple, TypeVar

Body = TypeVar("Body")

WHOLE = 1 << 40
"""The depth of a reader that wants everything."""


class Update(NamedTuple, Generic[Body]):
    """The state at `last_seq` for a reader that stands at `first_seq - 1` (or later, before `last_seq`).

    A snapshot stands alone; its `first_seq` says nothing. The reader cuts to `depth` after applying.
    `body` by shape: table snapshot, rows per side; table increment, (side, key, row) with an empty row for
    removed; log, (Totals before the first row, rows).
    """

    kind: Literal["snapshot", "increment"]
    epoch: int
    first_seq: int
    last_seq: int
    depth: int
    ts_event: int
    body: Body


AnyUpdate = Update[Any]
"""An update whose body only its own source and view understand."""
