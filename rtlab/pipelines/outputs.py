"""Where streams end outside of the picture: files that DuckDB reads, events on the bus, streamz dataframes.

What rests in files or goes to the bus is final: of bars only those that will not change any more.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from rtlab.errors import ConfigError, LocalError, StoreError
from rtlab.pipelines.frame import Frame
from rtlab.pipelines.nodes.series import final_rows
from rtlab.pipelines.sliding import joined
from rtlab.pipelines.stream import Ending, FrameStream, Metadata, Pending, register

if TYPE_CHECKING:
    import pyarrow as pa
    from streamz.dataframe import DataFrame

    from rtlab.bus import Bus, Topic

ROWS_PER_FILE = 50_000
MOST_WAITING = 1_000


class FrameRow(msgspec.Struct, frozen=True):
    """A row of a frame as it goes over the bus: its channel, its instrument, its values by column."""

    channel: str
    instrument: str
    values: dict[str, float | int | bool | str]


def frame_topic(name: str, **settings: Any) -> "Topic[FrameRow]":
    """Give a topic of the bus that carries rows of frames."""
    from rtlab.bus import Topic  # late: not every graph needs a bus

    return Topic(name=name, type=FrameRow, **settings)


@register
class to_store(Ending):
    """Write the rows into Parquet files below `folder`, by channel and instrument; `read_frames` reads them.

    A file is whole or not there: it is written beside its place, synced and renamed when `rows_per_file` have come,
    by `flush`, and when the graph ends. `written` counts rows in files, `waiting` those that are not yet. A disk
    that takes no more is a failure of this node, told as any other; at most MOST_WAITING frames wait for it, then
    the oldest go and `dropped` counts their rows.
    """

    def __init__(
        self, upstream: FrameStream, folder: str | Path, *, rows_per_file: int = ROWS_PER_FILE
    ) -> None:
        if rows_per_file < 1:
            raise ConfigError("a file's size is out of range", expected="at least 1 row", got=rows_per_file)
        self.folder, self._size = Path(folder), rows_per_file
        self.written = self.dropped = self.waiting = 0
        self._held: deque[Frame] = deque()
        super().__init__(upstream)
        self.channel = getattr(upstream, "channel", None)

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Take a frame; write what has come when it is enough for a file."""
        if not isinstance(x, Frame):
            raise LocalError("only frames can be stored", expected="a Frame", got=x)
        frame = final_rows(x)
        if frame.rows:
            self._held.append(frame)
            self.waiting += frame.rows
        while len(self._held) > MOST_WAITING:
            gone = self._held.popleft().rows
            self.waiting, self.dropped = self.waiting - gone, self.dropped + gone
        if self.waiting >= self._size:
            self.flush()
        return []

    def flush(self) -> Path | None:
        """Write what waits, now; give the file. StoreError when the disk does not take it: it still waits then."""
        if not self._held:
            return None
        whole = self._held[0]
        for frame in list(self._held)[1:]:
            whole = joined(whole, frame)
        path = _write(self.folder, whole)
        self.written += whole.rows
        self._held.clear()
        self.waiting = 0
        return path

    def destroy(self, streams: list[FrameStream] | None = None) -> None:
        """Write what waits and leave the graph; what the disk does not take is told and counted as dropped."""
        try:
            self.flush()
        except StoreError as problem:
            self.failed(self, self._held[0], problem)
            self.dropped += self.waiting
        super().destroy(streams)


def _write(folder: Path, frame: Frame) -> Path:
    import pyarrow as pa  # late, as is the reader: not every graph writes files
    import pyarrow.parquet as pq

    place = folder / frame.channel / frame.instrument.symbol
    try:
        place.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(one.stem) for one in place.glob("*.parquet")), default=0)
        path = place / f"{number:012d}.parquet"
        beside = path.with_suffix(".new")
        columns = {name: np.asarray(column) for name, column in frame.columns.items()}
        with beside.open("wb") as file:
            pq.write_table(pa.table(columns), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as problem:
        raise StoreError(f"{place} takes no more frames: {problem}") from problem
    return path


def read_frames(folder: str | Path, channel: str, instrument: str) -> "pa.Table":
    """Read what `to_store` wrote, in order. StoreError when there is nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = Path(folder) / channel / instrument
    files = sorted(place.glob("*.parquet"))
    if not files:
        raise StoreError(f"no frames of {channel} {instrument} are stored in {folder}", expected=str(place))
    return pa.concat_tables([pq.read_table(file) for file in files])


@register
class to_bus(Ending):
    """Publish each row as an event of `topic` (see `frame_topic`), keyed by its instrument, in order.

    Needs a running event loop. At most MOST_WAITING frames wait for the bus; then the oldest go and `dropped`
    counts their rows; `published` counts rows that the bus has safe. What the bus refuses is a failure of this node.
    """

    def __init__(self, upstream: FrameStream, bus: "Bus", topic: "Topic[FrameRow]") -> None:
        self._bus, self._topic = bus, topic
        self.published = self.dropped = 0
        self._held: deque[Frame] = deque()
        self._sending: asyncio.Task[None] | None = None
        super().__init__(upstream)
        self.channel = getattr(upstream, "channel", None)

    @property
    def waiting(self) -> int:
        """Rows that wait for the bus."""
        return sum(frame.rows for frame in self._held)

    def update(self, x: object, who: object = None, metadata: Metadata | None = None) -> Pending:
        """Take a frame and publish it as soon as what came before it is safe."""
        if not isinstance(x, Frame):
            raise LocalError("only frames can be published", expected="a Frame", got=x)
        frame = final_rows(x)
        if frame.rows:
            self._held.append(frame)
        while len(self._held) > MOST_WAITING:
            self.dropped += self._held.popleft().rows
        if self._held and self._sending is None:
            self._sending = self.settle_soon([self._send()], self._sent)
        return []

    async def _send(self) -> None:
        while self._held:
            frame = self._held[0]
            try:
                await self._bus.publish(self._topic, *_events(self._topic, frame))
                self.published += frame.rows
            except Exception as error:  # noqa: BLE001  # told as a failure of this node; the next frames go on
                self.failed(self, frame, error)
                self.dropped += frame.rows
            self._held.popleft()

    def _sent(self) -> None:
        self._sending = None

    async def drained(self) -> Self:
        """Wait until nothing waits any more."""
        while self._sending is not None:
            await asyncio.wait([self._sending])
            await asyncio.sleep(0)
        return self


def _events(topic: "Topic[FrameRow]", frame: Frame) -> list[Any]:
    symbol = frame.instrument.symbol
    columns = [column.tolist() for column in frame.columns.values()]
    rows = (dict(zip(frame.columns, values, strict=True)) for values in zip(*columns, strict=True))
    return [topic.event(FrameRow(frame.channel, symbol, row), key=symbol) for row in rows]


def dataframe(stream: FrameStream, example: Frame | None = None) -> "DataFrame":
    """Give the stream as a `streamz.dataframe.DataFrame`: pandas' words over the same frames.

    `example` is a frame of its form; without one, the last frame is. LocalError where there is neither.
    """
    from streamz.dataframe import DataFrame  # late: it costs pandas

    given = example or stream.latest_frame
    if given is None:
        raise LocalError(
            "a dataframe needs to know its columns", expected="example=, or a first frame", got=stream
        )
    convert: Callable[[Frame], Any] = Frame.to_pandas
    return DataFrame(stream.map(convert), example=given.part(0, 0).to_pandas())


FrameStream.register_api(attribute_name="dataframe")(dataframe)
