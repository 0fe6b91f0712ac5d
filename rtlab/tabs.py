"""What a script opens by `.show()`: a server of this machine alone, with a view for each tab."""

import socket
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

from rtlab.errors import AddressError

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "")
View = TypeVar("View")


class Tabbed:
    """Gives what is drawn by Panel a `show` of its own."""

    def show(
        self,
        title: str | None = None,
        port: int = 0,
        address: str | None = None,
        websocket_origin: str | list[str] | None = None,
        threaded: bool = False,
        verbose: bool = True,
        open: bool = True,  # these are Panel's words
        location: Any = True,
        **settings: Any,
    ) -> Any:
        """Serve this view and open it in a browser; returns when the server ends, `threaded` at once.

        Only this machine reaches it, unless `address` is another ("0.0.0.0" is every network): then everybody there
        may see it, and `websocket_origin` says by which "host:port" a browser may come. Port 0 takes any free one;
        AddressError for one that is in use. All else is as of `panel.serve`.
        """
        import panel as pn  # late: it costs seconds

        at = address or LOOPBACK
        port = bindable(at, port, "a free port: port=, or 0 for any")
        origins = websocket_origin or origins_of(at, port)
        return pn.serve(  # type: ignore[no-untyped-call]
            self._for_a_tab,
            title=title,
            port=port,
            address=at,
            websocket_origin=origins,
            threaded=threaded,
            verbose=verbose,
            show=open,
            location=location,
            **settings,
        )

    def _for_a_tab(self) -> object:
        """Give what a tab shows that has just come: a view of its own where there can be several."""
        return self


class Others(Generic[View]):
    """The views of other tabs, which show what one is given, as long as somebody holds them. For any thread."""

    def __init__(self) -> None:
        self._views: WeakSet[View] = WeakSet()
        self._lock = Lock()

    def add(self, view: View) -> View:
        """Keep `view` up to date from now on."""
        with self._lock:
            self._views.add(view)
        return view

    def all(self) -> list[View]:
        """Give those that are there now."""
        with self._lock:
            return list(self._views)


class Closable(Protocol):
    """What can be ended."""

    def close(self) -> None:
        """End it."""


Ended = TypeVar("Ended", bound=Closable)


def let_go(shown: Ended) -> Ended:
    """Have `shown` closed when the session of the page that is being made ends."""
    import panel as pn  # late: it costs seconds

    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(lambda context: shown.close())
    return shown


def origins_of(host: str, port: int) -> list[str]:
    """Give the names by which pages of a server of this machine are reached; of one on every network also its own."""
    own = [socket.gethostname(), *_address()] if host in EVERYWHERE else []
    names = dict.fromkeys([host, LOOPBACK, "localhost", *own])
    return [f"{name}:{port}" for name in names if ":" not in name]


def _address() -> list[str]:
    # by which this machine would reach others; nothing is sent
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return []  # it is on no network
        return [str(probe.getsockname()[0])]


def bindable(host: str, port: int, expected: str) -> int:
    """Give `port`, or any that is free for 0; AddressError, with what was `expected`, when it cannot be bound."""
    if not 0 <= port <= 65535:
        raise AddressError("this port does not exist", expected="0 to 65535", got=port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as probe:
            return int(probe.getsockname()[1])
    except OSError as problem:
        reason = problem.strerror or problem
        raise AddressError(f"the page cannot bind {host}:{port}: {reason}", expected=expected) from None
