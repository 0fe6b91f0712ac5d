import asyncio
import socket
from types import SimpleNamespace

import pytest
from jupyter_core.paths import jupyter_config_path
from jupyter_server.extension.manager import ExtensionPackage
from jupyter_server.services.config import ConfigManager
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from rtlab import jupyter


class Connection:
    """Of Jupyter's own as much as its handler of a kernel's socket calls."""

    def __init__(self, handler: WebSocketHandler) -> None:
        self.websocket_handler = handler
        self.connected: list[bool] = []

    def connect(self) -> asyncio.Future[str]:
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        done.set_result("connected")
        return done


@pytest.mark.parametrize(("kind", "at_once"), [(Connection, 0), (jupyter.at_once(Connection), 1)])
async def test_a_kernels_socket_waits_for_no_more_to_send(kind, at_once):
    told = asyncio.get_running_loop().create_future()

    class Kernel(WebSocketHandler):
        async def open(self) -> None:
            said = await kind(self).connect()
            told.set_result((said, self.ws_connection.stream.socket))

    server = HTTPServer(Application([("/", Kernel)]))
    listening, port = bind_unused_port()
    server.add_sockets([listening])
    client = await websocket_connect(f"ws://127.0.0.1:{port}/")
    said, its = await asyncio.wait_for(told, 20)
    assert said == "connected"
    assert bool(its.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) == at_once
    client.close()
    server.stop()
    await server.close_all_connections()


def test_it_builds_upon_whatever_connection_the_server_is_configured_with():
    settings = {"kernel_websocket_connection_class": ZMQChannelsWebsocketConnection}
    jupyter._load_jupyter_server_extension(SimpleNamespace(web_app=SimpleNamespace(settings=settings)))
    ours = settings["kernel_websocket_connection_class"]
    assert issubclass(ours, ZMQChannelsWebsocketConnection)
    assert ours.connect is not ZMQChannelsWebsocketConnection.connect


def test_what_was_installed_has_jupyters_server_load_it():
    # as the server reads it
    config = ConfigManager(read_config_path=jupyter_config_path()).get("jupyter_server_config")["ServerApp"]
    extensions = {name: on for name, on in config["jpserver_extensions"].items() if name == "rtlab.jupyter"}
    assert extensions == {"rtlab.jupyter": True}
    [point] = ExtensionPackage(name="rtlab.jupyter", enabled=True).extension_points.values()
    assert point.validate()
    assert point.module is jupyter
