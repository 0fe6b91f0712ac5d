import socket
import subprocess
import sys

import pytest

from rtlab.config import Settings
from rtlab.errors import AddressError, ConfigError
from rtlab.lab.preflight import check, free_port


def test_what_can_be_served_passes():
    for url in ("demo", "ws://127.0.0.1:9", "binance:BTCUSDT"):
        check(Settings(url=url, dashboard_port=0))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:9", "expected ws://host:port, got http://127.0.0.1:9"),
        ("krakn:BTC/USD", "did you mean kraken"),
    ],
)
def test_no_address_of_a_feed_is_told(url, told):
    with pytest.raises(ConfigError, match=told):
        check(Settings(url=url, dashboard_port=0))


def test_a_busy_port_is_told_and_zero_gives_a_free_one():
    with (
        socket.create_server(("127.0.0.1", 0)) as busy,
        pytest.raises(AddressError, match="--dashboard-port"),
    ):
        check(Settings(dashboard_port=busy.getsockname()[1]))
    with socket.create_server(("127.0.0.1", free_port("127.0.0.1", 0))):
        pass


def test_a_demo_that_cannot_be_served_loads_nothing_that_draws():
    code = """import sys, click
from rtlab.cli.demo import command
try:
    command.callback(for_s=None, url="http://127.0.0.1:9", dashboard_port=0)
except Exception as told:
    assert "not the address of a feed" in str(told), told
    assert not {"panel", "bokeh"} & set(sys.modules)
    print("told")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "told\n", done.stderr


def test_who_serves_to_other_machines_has_to_say_so():
    with pytest.raises(
        AddressError, match=r"does not listen on 0\.0\.0\.0, .* let anybody in \(allow_anyone=true"
    ):
        check(Settings(host="0.0.0.0", dashboard_port=0))
    check(Settings(host="0.0.0.0", dashboard_port=0, allow_anyone=True))
    check(Settings(host="localhost", dashboard_port=0))
