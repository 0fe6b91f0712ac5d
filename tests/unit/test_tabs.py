import socket

import pytest

import rtlab
from rtlab.errors import AddressError
from rtlab.lab.dashboard import Dashboard
from rtlab.lab.grids import Grid
from rtlab.messaging.widget import MessagesPane
from rtlab.tabs import Tabbed, bindable, origins_of
from rtlab.views.awaited import Awaited
from rtlab.views.host import Component
from rtlab.views.layered import LayeredPlot
from rtlab.views.live import LivePanel


def served(**options):
    server = rtlab.plot([1.0, 2.0]).show(open=False, start=False, verbose=False, **options)
    try:
        return [one.getsockname()[0] for one in server._http._sockets.values()], server.port, server
    finally:
        server.stop()


@pytest.mark.parametrize("kind", [Awaited, LayeredPlot, LivePanel, Dashboard, Grid, Component, MessagesPane])
def test_whatever_can_be_shown_is_shown_by_our_words(kind):
    assert kind.show is Tabbed.show


def test_it_is_served_to_this_machine_alone_unless_another_address_is_named():
    assert served()[0] == ["127.0.0.1"]
    assert served(address="0.0.0.0")[0] == ["0.0.0.0"]


def test_a_browser_may_come_by_either_name_of_this_machine():
    _, port, server = served()
    assert server._tornado.websocket_origins == {f"127.0.0.1:{port}", f"localhost:{port}"}
    _, _, server = served(websocket_origin="lab.example:80")
    assert server._tornado.websocket_origins == {"lab.example:80"}
    assert origins_of("::1", 5) == ["127.0.0.1:5", "localhost:5"]


def test_a_port_that_cannot_be_bound_is_told():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(AddressError, match=f"cannot bind 127.0.0.1:{port}: .* or 0 for any"):
            rtlab.plot([1.0]).show(port=port, open=False, threaded=True)
    with pytest.raises(AddressError, match="0 to 65535, got 70000"):
        bindable("127.0.0.1", 70_000, "a port")


def test_a_server_on_every_network_is_reached_by_the_machines_own_names():
    others = origins_of("0.0.0.0", 5006)
    assert f"{socket.gethostname()}:5006" in others
    assert {"127.0.0.1:5006", "localhost:5006"} < set(others)
    assert f"{socket.gethostname()}:5006" not in origins_of("127.0.0.1", 5006)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return  # a machine without a network
        assert f"{probe.getsockname()[0]}:5006" in others
