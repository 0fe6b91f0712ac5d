import asyncio
import xml.etree.ElementTree as ET

from support.frames import BTC, random_trades, trades

from rtlab.pipelines.drawing import drawn, nodes_below
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.source import FrameSource
from rtlab.pipelines.stream import FrameStream, root


def begun() -> FrameStream:
    return root("trades BTC-USD", "trades", OwnersLoop())


def graph() -> FrameStream:
    stream = begun()
    bars = stream.bars("1s")
    stream.held = [bars.ema(3), stream.vwap().conflate()]  # streamz holds what is below weakly
    rows = random_trades(4, 3000)
    for first in range(0, 3000, 100):
        stream._emit(trades(rows[first : first + 100], first + 1))
    stream._emit(trades([(0, 1, 1, 0)], 9000))
    return stream


def test_each_node_comes_after_those_above_it():
    a, b = begun(), begun()
    joined = a.basket([b]).map(lambda frame: frame)
    order = nodes_below(a, b)
    assert len(order) == 4
    assert order.index(joined) == 3
    assert all(order.index(above) < order.index(node) for node in order for above in node.upstreams)


def test_the_drawing_tells_rates_and_what_was_lost():
    found = {node.name: node for node in graph().visualize().nodes}
    assert set(found) == {"trades BTC-USD", "bars", "ema", "vwap", "conflate"}
    assert found["trades BTC-USD"].rows == 3001
    assert found["trades BTC-USD"].rows_per_s > 0
    assert found["bars"].lost == {"dropped": 0, "merged": 0, "missed": 0, "left_out": 1, "errors": 0}
    assert "bars: " in repr(graph().visualize())
    assert "1 left out" in repr(graph().visualize())


async def test_what_never_reached_the_graph_is_told_where_it_begins():
    busy = asyncio.Event()
    with FrameSource(BTC, "trades", limit=10) as source, FrameSource(BTC, "ticker", limit=1) as quotes:
        for one in (source, quotes):
            one.stream.sink(lambda _: busy.wait())
        source.on_trades([(1, 100, 1, 0)] * 10, 1)  # what the graph is busy with from here on
        source.on_trades([(2, 100, 1, 0)] * 14, 21)
        for number in range(1, 5):
            quotes.on_quote(number, number, 99 + number, 1, 200, 1)
        trades_drawn, quotes_drawn = source.stream.visualize(), quotes.stream.visualize()
        busy.set()
    assert trades_drawn.nodes[0].lost["dropped"] == source.statistics().dropped == 4
    assert trades_drawn.nodes[0].lost["missed"] == source.statistics().missed == 10
    assert quotes_drawn.nodes[0].lost["merged"] == quotes.statistics().merged == 2
    assert "trades BTC-USD: 10 rows, 4 dropped, 10 missed" in repr(trades_drawn)


def test_the_picture_is_svg_with_every_node_and_edge(tmp_path):
    picture = graph().visualize()
    tree = ET.fromstring(picture.save(tmp_path / "graph.svg").read_text())
    names = "{http://www.w3.org/2000/svg}"
    assert len(tree.findall(f"{names}rect")) == 5
    assert len(tree.findall(f"{names}path")) == 4
    texts = [one.text for one in tree.findall(f"{names}text")]
    assert "bars" in texts
    assert any(text and text.endswith("rows/s") for text in texts)
    assert picture._repr_svg_() == picture.svg


def test_no_two_boxes_lie_on_each_other():
    stream = graph()
    for _ in range(5):
        stream.held.append(stream.map(lambda frame: frame).filter(lambda frame: True))
    places = stream.visualize()._places()
    assert len(set(places)) == len(places)


def test_the_text_for_graphviz_names_edges():
    dot = graph().visualize().dot
    assert dot.startswith("digraph {")
    assert dot.count("->") == 4


def test_a_name_with_markup_stays_a_text():
    stream = root("<b>&", "trades", OwnersLoop())
    ET.fromstring(drawn(stream).svg)
