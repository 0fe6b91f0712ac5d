"""A graph apart from any running one: what is made of the stream of one instrument, wherever that runs.

The same `Graph` runs in a notebook, in a process, over history and on a cluster. Its state is bytes: each node's
memory under the node's name, with what the node was made with. Names come from the order in which the graph is
built: `bars`, `ema`, a second one `ema 2`. Code that changed does not go on from a state by accident: what differs
is named and refused, or migrated by name (see `begin`).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from hashlib import sha256
from types import CodeType
from typing import Any

import msgspec
from streamz import Stream

from rtlab.errors import ConfigError, LocalError, SourceError
from rtlab.model import Instrument
from rtlab.pipelines.drawing import Drawing, drawn, nodes_below
from rtlab.pipelines.frame import Frame
from rtlab.pipelines.loop import Failure, OwnersLoop
from rtlab.pipelines.node import FoldNode, LegsNode, told
from rtlab.pipelines.state import pack, unpack
from rtlab.pipelines.stream import FrameStream, dismantle, root

Build = Callable[[FrameStream], Mapping[str, FrameStream]]
Migration = str | None | Callable[[bytes], bytes]
KIND = "graph"
WITHOUT_MEMORY = {
    "FrameStream",
    "map",
    "starmap",
    "filter",
    "sink",
    "pluck",
    "flatten",
    "union",
    "conflate",
    "buffer",
    "throttle",
    "each",
}
"""Nodes that remember nothing from one frame to the next, but for what is under way."""


class Part(msgspec.Struct, array_like=True, frozen=True):
    """A node as it is saved: its name, what it was made with, its memory (empty where it has none)."""

    name: str
    made_with: str
    memory: bytes


class Saved(msgspec.Struct, array_like=True, frozen=True):
    """A graph as it is saved."""

    graph: str
    version: int
    symbol: str
    parts: list[Part]


class Graph:
    """`build` takes the stream of an instrument's `channel` and gives the streams that are wanted, by name.

    `version` is yours: raise it where `build` changes in a way that its nodes do not show. To run on a cluster
    `build` must be a function that can be pickled.
    """

    def __init__(
        self, build: Build, *, channel: str = "trades", name: str = "graph", version: int = 1
    ) -> None:
        self.build, self.channel, self.name, self.version = build, channel, name, version

    def begin(
        self,
        instrument: Instrument,
        state: bytes | None = None,
        *,
        migrate: Mapping[str, Migration] | None = None,
    ) -> "Running":
        """Build it for an instrument, and go on from `state`, where given.

        ConfigError names what does not fit: a node that the state has not, one that the graph has not, one made with
        other parameters, a function whose code changed, another version. `migrate` says for a node's name what is to
        be done instead: the name that it had, None (begin anew, or take the new code), or a function from the old
        memory to the new one.
        """
        running = Running(self, instrument)
        if state is not None:
            try:
                running.load(state, migrate or {})
            except BaseException:
                running.close()
                raise
        return running

    def visualize(self) -> Drawing:
        """Draw the graph as it is built."""
        with self.begin(Instrument("?", Decimal(1), Decimal(1))) as running:
            return running.visualize()


class Running:
    """A graph at work on one instrument: `push` a frame, get what came of it; `with` closes it."""

    def __init__(self, graph: Graph, instrument: Instrument) -> None:
        self.graph, self.instrument = graph, instrument
        self._loop = OwnersLoop()
        self.root = root(f"{graph.channel} {instrument.symbol}", graph.channel, self._loop)
        self._came: dict[str, list[Frame]] = {}
        self.outputs = _outputs(graph.build(self.root))
        for name, stream in self.outputs.items():
            self._came[name] = []
            stream.sink(self._came[name].append)
        self._nodes = _named([node for node in nodes_below(self.root) if type(node).__name__ != "sink"])

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def push(self, frame: Frame) -> dict[str, list[Frame]]:
        """Fold a frame; give the frames that came of it, by the name of the output. LocalError for a foreign frame."""
        if frame.instrument.symbol != self.instrument.symbol:
            raise LocalError(
                "a frame of another instrument was pushed",
                expected=self.instrument.symbol,
                got=frame.instrument.symbol,
            )
        pending = self.root._emit(frame)
        if pending:
            raise LocalError("a graph that is pushed takes no asynchronous function", got=pending)
        came = {name: list(frames) for name, frames in self._came.items() if frames}
        for frames in self._came.values():
            frames.clear()
        return came

    @property
    def failures(self) -> list[Failure]:
        """The last failures of functions in the graph."""
        return list(self._loop.failed)

    @property
    def errors(self) -> int:
        """Failures of functions in the graph so far."""
        return self._loop.failures

    def state(self) -> bytes:
        """Give the memory of all nodes. LocalError names a node whose memory cannot be saved."""
        parts = [_saved(name, node) for name, node in self._nodes.items()]
        return pack(KIND, Saved(self.graph.name, self.graph.version, self.instrument.symbol, parts))

    def load(self, state: bytes, migrate: Mapping[str, Migration]) -> None:
        """Go on from `state` (see `Graph.begin`)."""
        saved = unpack(KIND, state, Saved)
        ours = (self.graph.name, self.graph.version, self.instrument.symbol)
        theirs = (saved.graph, saved.version, saved.symbol)
        if theirs != ours and KIND not in migrate:
            raise ConfigError("a saved graph is another one", expected=ours, got=theirs)
        parts = {part.name: part for part in saved.parts}
        for name, node in self._nodes.items():
            _go_on(name, node, parts, migrate)
        if left := [name for name in parts if name not in migrate]:
            raise ConfigError(
                f"the saved state has {left[0]}, which the graph has not", expected=list(self._nodes)
            )

    def visualize(self) -> Drawing:
        """Draw the graph as it is now."""
        return drawn(self.root)

    def close(self) -> None:
        """Take the graph apart. Idempotent."""
        self._loop.close()
        dismantle(self.root)


def _outputs(given: object) -> dict[str, FrameStream]:
    if not isinstance(given, Mapping) or not all(isinstance(one, FrameStream) for one in given.values()):
        raise ConfigError(
            "a graph's function gives its streams by name", expected="a dict of streams", got=given
        )
    return dict(given)


def _named(nodes: list[Stream]) -> dict[str, Stream]:
    found: dict[str, Stream] = {}
    for node in nodes[1:]:
        kind = type(node).__name__
        function = getattr(getattr(node, "func", None) or getattr(node, "predicate", None), "__name__", "")
        base = node.name if isinstance(node, FoldNode | LegsNode) else f"{kind} {function}".strip()
        name, count = str(base), 1
        while name in found:
            count += 1
            name = f"{base} {count}"
        found[name] = node
    return found


def _made_with(node: Stream) -> str:
    if isinstance(node, FoldNode | LegsNode):
        return told(node.parameters)
    functions = [getattr(node, name, None) for name in ("func", "predicate", "_function")]
    return " ".join(f"code {_digest(one)}" for one in functions if one is not None)


def _digest(function: Any) -> str:
    code = getattr(function, "__code__", None)
    return sha256(_code(code)).hexdigest()[:12] if code is not None else repr(type(function).__name__)


def _code(code: CodeType) -> bytes:
    constants = [_code(one) if isinstance(one, CodeType) else repr(one).encode() for one in code.co_consts]
    return b"\0".join([code.co_code, *constants, *(name.encode() for name in code.co_names)])


def _saved(name: str, node: Stream) -> Part:
    if isinstance(node, FoldNode | LegsNode):
        return Part(name, _made_with(node), node.state())
    if type(node).__name__ not in WITHOUT_MEMORY:
        raise LocalError(
            f"the memory of {name} cannot be saved", expected="a node with a state", got=type(node)
        )
    return Part(name, _made_with(node), b"")


def _go_on(name: str, node: Stream, parts: dict[str, Part], migrate: Mapping[str, Migration]) -> None:
    wish = migrate.get(name, name)
    if wish is None:
        parts.pop(name, None)
        return
    old = wish if isinstance(wish, str) else name
    part = parts.pop(old, None)
    if part is None:
        hint = f"{old}, or migrate={{{name!r}: None}}"
        raise ConfigError(f"the saved state has no {old}", expected=hint, got=list(parts))
    if callable(wish):
        part = Part(name, _made_with(node), wish(part.memory))
    elif part.made_with != (now := _made_with(node)):
        raise ConfigError(f"{name} has changed since its state was saved", expected=now, got=part.made_with)
    if isinstance(node, FoldNode | LegsNode):
        try:
            node.load(name, part.memory)
        except SourceError as problem:
            what = f"{name} cannot go on: {problem.what}"
            raise SourceError(what, expected=problem.expected, got=problem.got) from problem
