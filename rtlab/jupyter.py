"""An extension of Jupyter's server: what a kernel says to a page leaves at once.

A drawing travels as several small messages. Jupyter's server leaves Nagle's algorithm on: all after the first wait
until the browser has acknowledged it, which it delays by up to 40 ms, and over a far line by a whole round trip.
The wheel puts `jupyter.json` where the server finds it, and loads this. Where rtlab is not in the server's environment
but in the kernel's alone, all works without it, only slower.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "rtlab.jupyter"}]


def _load_jupyter_server_extension(server: Any) -> None:
    settings = server.web_app.settings
    settings["kernel_websocket_connection_class"] = at_once(settings["kernel_websocket_connection_class"])


def at_once(connection: type[Any]) -> type[Any]:
    """Give the class of a kernel's connections to pages, as one whose sockets do not wait for more to send."""

    class AtOnce(connection):  # type: ignore[misc]
        def connect(self) -> object:
            self.websocket_handler.set_nodelay(True)
            return super().connect()

    return AtOnce
