"""The event loop on which something was made, and where it is shown, whatever thread its news come from."""

import asyncio
from collections.abc import Callable
from contextvars import Context


class Home:
    """Calls on the loop that runs where it is made; at once, where it is called, if none does.

    Each call has a context of its own: that of who calls may be of another page, whose document would be changed.
    A call to a loop that is closed is left out.
    """

    def __init__(self) -> None:
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    @property
    def is_over(self) -> bool:
        """Tell whether the loop is closed, so that nobody will be called."""
        return self._loop is not None and self._loop.is_closed()

    def call(self, function: Callable[[], object]) -> None:
        """Have `function` called there; any thread may ask."""
        if self._loop is None:
            function()
        elif not self.is_over:
            self._loop.call_soon_threadsafe(function, context=Context())
