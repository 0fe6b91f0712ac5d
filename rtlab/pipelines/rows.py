"""`each`: a user's function row by row, where one bad row costs that row only."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rtlab.errors import LocalError
from rtlab.pipelines.frame import Column, Frame
from rtlab.pipelines.stream import FrameStream, Metadata, Pending, register


class RowError(LocalError):
    """A user's function failed on one row; `row` is that row."""

    def __init__(self, row: dict[str, object], cause: BaseException) -> None:
        super().__init__("a function failed on a row", expected="a value", got=f"{cause!r} on {row}")
        self.row = row


@register
class each(FrameStream):
    """Call `function` with every row of every frame, as a dict of plain values; emit a frame with its answers.

    The answers are the column `name` beside `ts` and `seq`. A row on which it fails is told with its error (see
    `FrameSource.failures`), counted in `errors`, and left out; the other rows go on.
    """

    def __init__(
        self,
        upstream: FrameStream,
        function: Callable[[dict[str, Any]], Any],
        name: str = "value",
        **settings: Any,
    ) -> None:
        self._function, self._name = function, name
        super().__init__(upstream, **settings)

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Call the function for the rows of a frame."""
        if not isinstance(x, Frame):
            raise LocalError("rows are taken from frames", expected="a Frame", got=x)
        answers, kept = [], []
        columns = [column.tolist() for column in x.columns.values()]
        for number, values in enumerate(zip(*columns, strict=True)):
            row = dict(zip(x.columns, values, strict=True))
            try:
                answers.append(self._function(row))
                kept.append(number)
            except Exception as error:  # noqa: BLE001  # a user's function: any error, told with its row
                self.failed(self, x, RowError(row, error))
        places: dict[str, Column] = {one: x[one][kept] for one in ("ts", "seq") if one in x.columns}
        if not kept:
            return []
        return self._emit(
            Frame(self._name, x.instrument, {**places, self._name: np.array(answers)}), metadata
        )
