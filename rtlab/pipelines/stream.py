"""The only module that touches streamz: streams of frames whose branches cannot hurt each other.

In streamz an exception in one branch leaves `_emit`, so that the branches after it never see the value. Here
every node of a graph is a `FrameStream`: streamz's own (`map`, `filter`, `sink`, `zip`, ...) are derived once
more with it below. Its `_emit` gives each branch the value, and logs the failure of one with the value that
caused it. What a function did not survive is thus lost to its own branch only.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Generator
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

from streamz import Source, Stream
from tornado import gen

from rtlab.errors import LocalError
from rtlab.pipelines.frame import Frame
from rtlab.pipelines.loop import Failure, OwnersLoop, running_loop
from rtlab.pipelines.recent import Recent

if TYPE_CHECKING:
    import pandas as pd

Node = TypeVar("Node", bound=Callable[..., Stream])
Metadata = list[dict[str, Any]]
Pending = list[Awaitable[object]]

UNBOUNDED = {
    "collect": "keep(rows) and to_frame(), or window",
    "delay": "in_order(lateness) for what is late",
    "latest": "conflate(), which never loses the newest",
    "timed_window": "window(rows) or window(interval)",
    "timed_window_unique": "window(rows) or window(interval)",
    "zip_latest": "combine_latest, or asof",
}
"""The nodes of streamz that no stream of ours has, and what there is instead."""

logger = logging.getLogger(__name__)
_endings: set["Ending"] = set()  # streamz holds what is below weakly
_caught = threading.local()


class FrameStream(Stream):  # type: ignore[misc]  # streamz is untyped
    """A streamz Stream that keeps its branches apart and its latest rows at hand.

    Values are emitted in the thread of the graph's owner. Branches may be added and removed, and rows read, in
    any thread at any time.
    """

    channel: str | None = None  # of its frames, where that is known before the first
    errors = 0  # failures of this node
    frames = rows = 0  # that it has emitted
    began_s = last_s = 0.0  # when it emitted the first and the last frame, by the monotonic clock
    closed = False
    taken_from: object | None = None  # the buffer that its frames come from, with its counters
    _recent: Recent | None = None

    @property
    def latest_frame(self) -> Frame | None:
        """The last frame with rows, None before the first."""
        return self._recent.latest if self._recent else None

    def to_frame(self, rows: int | None = None) -> "pd.DataFrame":
        """Copy the last rows into a DataFrame: at most `rows`, and at most as many as are kept (1,000)."""
        return (self._recent or Recent()).to_pandas(rows)

    def kept_frames(self) -> list[Frame]:
        """Give the last frames, oldest first: what `to_frame` is made of."""
        return self._recent.frames() if self._recent else []

    def keep(self, rows: int) -> Self:
        """Keep the last `rows` rows for `to_frame` from now on, and give the stream itself."""
        recent = Recent(rows)
        for frame in self._recent.frames() if self._recent else ():
            recent.append(frame)
        self._recent = recent
        return self

    def _emit(self, x: object, metadata: Metadata | None = None) -> Pending:
        if self.closed:
            raise asyncio.CancelledError  # ends the coroutines of streamz's timed nodes, which nothing else does
        self.current_value, self.current_metadata = x, metadata
        if isinstance(x, Frame):
            self.last_s = monotonic()
            self.began_s = self.began_s or self.last_s
            self.frames, self.rows = self.frames + 1, self.rows + x.rows
            self._recent = self._recent or Recent()
            self._recent.append(x)
        metadata = metadata or []
        below = self._below()
        if metadata:
            self._retain_refs(metadata, len(below))
        pending: Pending = []
        for node in below:
            pending += self._hand(node, x, metadata)
            if metadata:
                self._release_refs(metadata)
        return pending

    def _below(self) -> list[Stream]:
        while True:
            try:
                return list(self.downstreams)
            except RuntimeError:  # another thread adds or removes a branch at this very moment
                continue

    def _hand(self, node: Stream, x: object, metadata: Metadata) -> Pending:
        depth = getattr(_caught, "depth", 0)
        _caught.depth = depth + 1
        try:
            answer = node.update(x, who=self, metadata=metadata)
        except asyncio.CancelledError:
            if not getattr(node, "closed", False):
                raise
            return []  # closed by its own function
        except Exception as error:  # noqa: BLE001  # a user's function: any error, and none may stop the others
            self.failed(node, x, error)
            return []
        finally:
            _caught.depth = depth
        if answer is None or answer is gen.moment:
            return []
        if isinstance(answer, list):
            return _flat(answer)
        if running_loop() is not None:
            return [_Answer(self, node, x, answer)]
        _Answer(self, node, x, answer).close()
        self.failed(node, x, LocalError("an asynchronous function needs a running event loop", got="none"))
        return []

    def failed(self, node: Stream, x: object, error: BaseException) -> None:
        """Count a failure of `node` on `x`; log its first, second, fourth, eighth ..."""
        count = node.errors = getattr(node, "errors", 0) + 1
        if isinstance(self.loop, OwnersLoop):
            self.loop.failures += 1
            self.loop.failed.append(
                Failure(_brief(node), repr(error), _brief(getattr(error, "row", x)), error)
            )
        if count & (count - 1) == 0:
            times = f" ({count} failures so far)" if count > 1 else ""
            logger.error("%s failed on %s%s: %r", node, _brief(x), times, error, exc_info=error)

    def settle_soon(self, pending: Pending, done: Callable[[], None] = lambda: None) -> "asyncio.Task[None]":
        """Wait in a task for what asynchronous functions still do, then call `done`. Needs a running loop."""
        loop = self.loop if isinstance(self.loop, OwnersLoop) else OwnersLoop()
        task = loop.run(_settled(pending))
        task.add_done_callback(lambda _: _finish(pending, done))
        return task


class Ending(FrameStream):
    """A node at the end of a branch: it lives as long as its graph, though nobody holds it."""

    def __init__(self, upstream: FrameStream, **settings: Any) -> None:
        super().__init__(upstream, **settings)
        _endings.add(self)

    def destroy(self, streams: list[FrameStream] | None = None) -> None:
        """Leave the graph."""
        super().destroy(streams)
        _endings.discard(self)


class _Answer:
    """What an asynchronous function gave: its failure is caught; it can be closed before it has begun."""

    def __init__(self, stream: FrameStream, node: Stream, x: object, answer: Awaitable[object]) -> None:
        self._stream, self._node, self._x, self._answer = stream, node, x, answer

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield from self._answer.__await__()
        except Exception as error:  # noqa: BLE001  # as in _hand
            self._stream.failed(self._node, self._x, error)

    def close(self) -> None:
        if asyncio.iscoroutine(self._answer):
            self._answer.close()


async def _settled(pending: Pending) -> None:
    if len(pending) == 1:  # as most often: gather would make a task of it
        await pending[0]
    else:
        await asyncio.gather(*pending)


def _finish(pending: Pending, done: Callable[[], None]) -> None:
    for one in pending:
        if isinstance(one, _Answer):
            one.close()
    done()


def _flat(answers: list[Any]) -> Pending:
    parts = (_flat(one) if isinstance(one, list) else [one] for one in answers)
    return [one for part in parts for one in part if one is not None]


def _brief(x: object) -> str:
    text = repr(x)
    return text if len(text) <= 300 else text[:299] + "…"


def _not_caught_here(record: logging.LogRecord) -> bool:
    # streamz logs what a mapped function raises, and raises it: where it is caught, once is enough
    return not getattr(_caught, "depth", 0)


def _derive() -> None:
    for name, method in list(vars(Stream).items()):
        node = getattr(method, "__wrapped__", None)
        if isinstance(node, type) and issubclass(node, Stream) and not issubclass(node, Source):
            made = _refuse(name) if name in UNBOUNDED else type(name, (FrameStream, node), _told(node))
            FrameStream.register_api(attribute_name=name)(made)


def _told(node: type[Stream]) -> dict[str, object]:
    return {"__doc__": node.__doc__, "__module__": __name__}


def _refuse(name: str) -> Callable[..., Stream]:
    def refused(*arguments: object, **settings: object) -> Stream:
        raise LocalError(
            f"{name} of streamz keeps values without a bound", expected=UNBOUNDED[name], got=name
        )

    refused.__name__, refused.__doc__ = name, f"Refused: it keeps values without a bound. {UNBOUNDED[name]}."
    return refused


def _bounded_unique() -> None:
    derived = FrameStream.unique.__wrapped__

    class unique(derived):  # type: ignore[misc,valid-type]
        __doc__ = derived.__doc__

        def __init__(self, upstream: Stream, maxsize: int | None = None, **settings: Any) -> None:
            if maxsize is None:
                raise LocalError("unique without maxsize keeps every value", expected="maxsize=", got="none")
            super().__init__(upstream, maxsize=maxsize, **settings)

    FrameStream.register_api(attribute_name="unique")(unique)


_derive()
_bounded_unique()
logging.getLogger("streamz.core").addFilter(_not_caught_here)


def register(node: Node) -> Node:
    """Make a node class, or a function that gives a node, a method of every streamz Stream, by its name."""
    Stream.register_api()(node)
    return node


def root(name: str, channel: str, loop: OwnersLoop) -> FrameStream:
    """Begin a graph that runs on its owner's loop and starts no thread."""
    stream = FrameStream(asynchronous=True, loop=loop, stream_name=name)
    stream.channel = channel
    return stream


def dismantle(stream: Stream) -> None:
    """Take the graph below `stream` apart. A node that hangs on an open graph as well lives on in that one.

    Without this, streamz keeps every sink, and with it all above, for the life of the interpreter.
    """
    stream.closed = True
    for below in list(stream.downstreams):
        stream.downstreams.discard(below)
        if all(getattr(above, "closed", False) for above in below.upstreams):
            dismantle(below)
            below.upstreams.clear()
            below.destroy()
