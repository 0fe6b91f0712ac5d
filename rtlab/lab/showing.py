"""A lab in a cell of a notebook: the market page, as soon as there is a market."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import panel as pn

from rtlab.errors import RtlabError
from rtlab.lab.loop import runs_here
from rtlab.views.awaited import Awaited

if TYPE_CHECKING:
    from rtlab.lab.dashboard import Dashboard
    from rtlab.lab.lab import Lab

HEIGHT = 640


class ShownLab(Awaited):
    """Says that it waits for the market, and then is the page of it; why there is none is told in its place."""

    def __init__(self, lab: "Lab") -> None:
        super().__init__("the market", height=HEIGHT)
        self._lab = lab
        self._page: Dashboard | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._start()

    def _show(self, came: "Lab") -> None:
        if self._page is None:
            self._page = came.dashboard()
            self._hang(self._page)

    def _start(self) -> None:
        if self._page is not None or self._waiting is not None:
            return
        if self._lab.symbols:
            self._show(self._lab)
        elif runs_here():
            self._waiting = asyncio.get_running_loop().create_task(self._when_open())

    async def _when_open(self) -> None:
        try:
            self._show(await self._lab.ready())
        except RtlabError as problem:
            self._hang(pn.pane.Str(str(problem), styles={"padding": "12px"}))  # type: ignore[no-untyped-call]

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        if self._page is not None:
            self._page.close()


def in_kernel() -> bool:
    """Tell whether cells are shown by a notebook, and not by a terminal."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


def bundle(lab: "Lab", *arguments: object, **named: object) -> Any:
    """Give what a cell shows of a lab: its page; in a terminal, and after its end, one line of text."""
    if not in_kernel() or lab.closed:
        return {"text/plain": repr(lab)}
    if not pn.extension._loaded:
        pn.extension(inline=True)
    return ShownLab(lab)._repr_mimebundle_(*arguments, **named)  # type: ignore[no-untyped-call]
