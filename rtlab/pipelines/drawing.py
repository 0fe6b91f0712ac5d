"""A graph draws itself: its nodes, what flows between them, and what was lost where. No other program is needed."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from streamz import Stream

from rtlab.pipelines.stream import FrameStream

COUNTERS = ("dropped", "merged", "missed", "left_out", "errors")
WIDTH, HEIGHT, ACROSS, DOWN = 190, 46, 90, 26
HALO = 'stroke="#fff" stroke-width="3" paint-order="stroke"'


class Node(NamedTuple):
    """A node as it is drawn: its name, what it lost, and the nodes above it (by number)."""

    name: str
    lost: dict[str, int]
    frames: int
    rows: int
    rows_per_s: float
    above: tuple[int, ...]


class Drawing:
    """A graph at one moment. Shows itself as a picture in a notebook; `save` writes SVG, `dot` is for Graphviz."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    def __repr__(self) -> str:
        return "\n".join(f"{node.name}: {node.rows} rows{_lost(node)}" for node in self.nodes)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> Path:
        """Write the picture as SVG."""
        where = Path(path)
        where.write_text(self.svg)
        return where

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        lines = [f'  n{number} [label="{_quoted(node)}"]' for number, node in enumerate(self.nodes)]
        for number, node in enumerate(self.nodes):
            lines += [f'  n{above} -> n{number} [label="{_flow(self.nodes[above])}"]' for above in node.above]
        return "\n".join(["digraph {", "  rankdir=LR; node [shape=box]", *lines, "}"])

    @property
    def svg(self) -> str:
        """The picture, as SVG."""
        places = self._places()
        right = max((x for x, _ in places), default=0) + WIDTH + 20
        bottom = max((y for _, y in places), default=0) + HEIGHT + 20
        parts = [*self._edges(places), *self._boxes(places)]
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {bottom}" width="{right}"'
        style = "font:12px system-ui,sans-serif"
        return f'{head} style="{style};max-width:100%;background:#fff">{"".join(parts)}</svg>'

    def _places(self) -> list[tuple[int, int]]:
        columns: list[int] = []
        for node in self.nodes:
            columns.append(1 + max((columns[above] for above in node.above), default=-1))
        used: dict[int, int] = {}
        places: list[tuple[int, int]] = []
        for node, column in zip(self.nodes, columns, strict=True):
            wished = max((places[above][1] for above in node.above), default=20)
            y = max(used.get(column, 20), wished)
            used[column] = y + HEIGHT + DOWN
            places.append((20 + column * (WIDTH + ACROSS), y))
        return places

    def _edges(self, places: list[tuple[int, int]]) -> Iterator[str]:
        for number, node in enumerate(self.nodes):
            x1, y1 = places[number][0], places[number][1] + HEIGHT // 2
            for above in node.above:
                x0, y0 = places[above][0] + WIDTH, places[above][1] + HEIGHT // 2
                middle = (x0 + x1) // 2
                yield f'<path d="M{x0},{y0} C{middle},{y0} {middle},{y1} {x1},{y1}" fill="none" stroke="#94a3b8"/>'
                label = escape(_flow(self.nodes[above]))
                place = f'x="{x1 - 6}" y="{y1 - 5}" text-anchor="end" fill="#475569" font-size="10"'
                yield f"<text {place} {HALO}>{label}</text>"

    def _boxes(self, places: list[tuple[int, int]]) -> Iterator[str]:
        for node, (x, y) in zip(self.nodes, places, strict=True):
            hurt = any(node.lost.values())
            colour = "#b91c1c" if hurt else "#334155"
            box = f'x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"'
            yield f'<rect {box} fill="{"#fef2f2" if hurt else "#f8fafc"}" stroke="{colour}"/>'
            second = _lost(node).removeprefix(", ") or f"{node.rows:,} rows"
            for line, down, size in ((node.name, 19, 12), (second, 36, 11)):
                text = escape(line if len(line) < 30 else line[:29] + "…")
                yield f'<text x="{x + 10}" y="{y + down}" fill="{colour}" font-size="{size}">{text}</text>'


def _flow(node: Node) -> str:
    return f"{_short(node.rows_per_s)} rows/s" if node.rows else ""


def _short(number: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def _lost(node: Node) -> str:
    return "".join(f", {count:,} {name.replace('_', ' ')}" for name, count in node.lost.items() if count)


def _quoted(node: Node) -> str:
    return f"{node.name}{_lost(node)}".replace("\\", "\\\\").replace('"', '\\"')


def nodes_below(*roots: Stream) -> list[Stream]:
    """Give the nodes of a graph so that each comes after all those above it that belong to the graph."""
    found: list[Stream] = []
    seen: set[int] = set()

    def visit(node: Stream) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            for below in reversed(list(node.downstreams)):
                visit(below)
            found.append(node)

    for one in reversed(roots):
        visit(one)
    return found[::-1]


def drawn(*roots: Stream) -> Drawing:
    """Draw the graph below `roots` as it is now."""
    order = nodes_below(*roots)
    numbers = {id(node): number for number, node in enumerate(order)}
    return Drawing([_node(node, numbers) for node in order])


def _node(node: Stream, numbers: dict[int, int]) -> Node:
    frames, rows = getattr(node, "frames", 0), getattr(node, "rows", 0)
    seconds = getattr(node, "last_s", 0.0) - getattr(node, "began_s", 0.0)
    counting = (node, getattr(node, "taken_from", None))
    lost = {name: sum(int(getattr(one, name, 0)) for one in counting) for name in COUNTERS}
    above = tuple(numbers[id(one)] for one in node.upstreams if id(one) in numbers)
    function = getattr(getattr(node, "func", None), "__name__", "")
    name = str(node.name or type(node).__name__) + (f" {function}" if function else "")
    return Node(name, lost, frames, rows, rows / seconds if seconds > 0 else 0.0, above)


def visualize(stream: FrameStream) -> Drawing:
    """Draw the graph that begins with this stream: rates on its edges, and in red what was lost."""
    return drawn(stream)


FrameStream.register_api(attribute_name="visualize")(visualize)
