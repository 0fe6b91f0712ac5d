"""What the page of a notebook loads once, and the file of the notebook need not keep.

Panel puts Bokeh's scripts and its own into the output of the cell that calls `pn.extension(inline=True)`, and each
twice: 6 MB in every saved notebook. Here these outputs get a name, by which they are replaced by a line of words as
soon as a browser has shown that it runs them. Who opens the file later runs that cell anyway before anything moves.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from panel.io import notebook

LARGE = 50_000
"""Characters: an output with more is not kept."""
WORDS = {"text/plain": "The scripts of Panel and Bokeh were loaded; they are not kept in the file."}

_LOADED: "list[_Handle]" = []


class _Handle(Protocol):
    def update(self, bundle: dict[str, str], *, raw: bool) -> object: ...


def arrived() -> None:
    """A browser runs what was loaded: take it out of the notebook."""
    while _LOADED:
        _LOADED.pop().update(WORDS, raw=True)


def publish(load: Callable[[], object]) -> None:
    """Call `load`, which publishes outputs, and publish them under names of their own."""
    from IPython.display import display
    from IPython.utils.capture import capture_output

    with capture_output(stdout=False, stderr=False) as captured:
        load()
    for output in captured.outputs:
        shown = cast(Any, display)(output.data, metadata=output.metadata, raw=True, display_id=True)
        if shown is not None and sum(len(str(one)) for one in output.data.values()) > LARGE:
            _LOADED.append(cast(_Handle, shown))


def _guard_panel() -> None:
    """Load the scripts so whenever Panel does. Once a process."""
    load = notebook.load_notebook
    if getattr(load, "guarded_by_rtlab", False):
        return

    def guarded_load(*arguments: Any, **settings: Any) -> None:
        publish(lambda: load(*arguments, **settings))

    guarded_load.guarded_by_rtlab = True  # type: ignore[attr-defined]
    notebook.load_notebook = guarded_load


_guard_panel()
