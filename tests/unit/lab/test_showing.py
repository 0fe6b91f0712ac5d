import asyncio
import sys
import types
from concurrent.futures import Future

import panel as pn
import pytest

from rtlab.errors import UnreachableError
from rtlab.lab import showing
from rtlab.lab.showing import ShownLab, bundle, in_kernel


class FakePage:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True

    def __panel__(self):
        return pn.pane.Str("the page")


class FakeLab:
    """As much of a lab as is shown."""

    def __init__(self, symbols=(), problem=None):
        self.symbols, self.closed, self.made = list(symbols), False, []
        self._opening = Future()
        self._problem = problem

    async def ready(self):
        await asyncio.sleep(0)
        if self._problem:
            raise self._problem
        return self

    def dashboard(self):
        self.made.append(FakePage())
        return self.made[-1]

    def __repr__(self):
        return "<lab>"


@pytest.fixture
def hung(monkeypatch):
    seen = []
    monkeypatch.setattr(ShownLab, "_hang", lambda self, view: seen.append(view))
    return seen


def test_a_lab_that_is_open_is_its_page_at_once_and_once(hung):
    lab = FakeLab(["BTC-USD"])
    shown = ShownLab(lab)
    shown._start()
    assert hung == lab.made
    assert len(hung) == 1
    shown.close()
    assert lab.made[0].closed


async def test_a_lab_that_is_starting_is_awaited(hung):
    lab = FakeLab()
    ShownLab(lab)
    assert hung == []
    for _ in range(5):
        await asyncio.sleep(0)
    assert hung == lab.made
    assert len(hung) == 1


async def test_why_there_is_no_market_is_told_in_its_place(hung):
    ShownLab(FakeLab(problem=UnreachableError("nobody answers at ws://x")))
    for _ in range(5):
        await asyncio.sleep(0)
    assert [one.object for one in hung] == ["nobody answers at ws://x"]


async def test_who_looks_no_more_waits_no_more(hung):
    shown = ShownLab(FakeLab())
    shown.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert hung == []


def test_outside_of_a_kernel_it_is_one_line_of_text():
    assert not in_kernel()
    assert bundle(FakeLab(["BTC-USD"])) == {"text/plain": "<lab>"}


@pytest.mark.parametrize(
    ("shell", "wanted"), [(types.SimpleNamespace(kernel=1), True), (object(), False), (None, False)]
)
def test_a_terminal_of_ipython_is_no_kernel(monkeypatch, shell, wanted):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert in_kernel() is wanted


def test_a_closed_lab_is_one_line_also_in_a_kernel(monkeypatch):
    monkeypatch.setattr(showing, "in_kernel", lambda: True)
    lab = FakeLab(["BTC-USD"])
    lab.closed = True
    assert bundle(lab) == {"text/plain": "<lab>"}
    assert lab.made == []
