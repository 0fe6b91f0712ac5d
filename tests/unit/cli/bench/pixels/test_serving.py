import asyncio
from urllib.request import urlopen

import numpy as np
import pytest
import websockets
from support.waiting import until

from rtlab.cli.bench import environments
from rtlab.cli.bench.environments import Unfit
from rtlab.cli.bench.pixels import serving
from rtlab.cli.bench.pixels.serving import OVERLAYS, Case, serve, uplot
from rtlab.cli.bench.pixels.walk import Walk


class FakeOwner:
    def __init__(self):
        self.words = []

    def send(self, word):
        self.words.append(word)


def test_a_peer_is_named_with_its_version():
    assert Case("rtlab", 10).version == "rtlab"
    assert Case("uPlot", 10).version == f"uPlot {serving.UPLOT}"
    assert Case("bokeh", 10).version.startswith("bokeh 3.")


def test_without_npm_there_is_no_uplot(monkeypatch, tmp_path):
    monkeypatch.setattr(environments, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unfit, match="could not be installed"):
        uplot()


async def test_ours_shows_all_overlay_elements_and_is_fed():
    feeds = []
    plot = serving._ours(Walk(5000), feeds)()
    overlay = plot.overlay
    assert len(overlay.lines) + len(overlay.events) + len(overlay.markers) == OVERLAYS
    assert len(plot.pyramid) == 5000
    await until(lambda: feeds[0]() or len(plot.pyramid) > 5000)


def test_the_bokeh_figure_keeps_a_rolling_source_and_as_many_elements():
    feeds = []
    pane = serving._bokeh(Walk(5000), feeds)()
    plot = pane.object
    assert len(plot.renderers[0].data_source.data["x"]) == 5000
    spans = [one for one in plot.center if type(one).__name__ == "Span"]
    assert len(spans) + len(plot.renderers[1].data_source.data["x"]) == OVERLAYS
    feeds[0]()  # nobody looks: nothing to stream to


async def test_uplots_page_gets_the_past_and_then_what_is_new(tmp_path):
    (tmp_path / "uPlot.iife.min.js").write_text("// uPlot")
    owner = FakeOwner()
    task = asyncio.create_task(serve(owner, Case("uPlot", 1000), str(tmp_path)))
    while not owner.words:
        await asyncio.sleep(0.01)
    url = owner.words[0]
    page = await asyncio.to_thread(lambda: urlopen(url).read().decode())
    assert "'points': 1000" in page
    script = await asyncio.to_thread(lambda: urlopen(url + "dist/uPlot.iife.min.js").read())
    assert script == b"// uPlot"
    async with websockets.connect(url.replace("http", "ws") + "points") as socket:
        past = np.frombuffer(await socket.recv())
        new = np.frombuffer(await socket.recv())
    assert len(past) == 2000
    assert len(new) > 0
    assert new[0] > past[999]
    await asyncio.sleep(0.1)  # the page has gone: its socket is not written to any more
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
