import json
import socket
import subprocess
import sys

import pytest
from support.command import assert_one_clear_line, rtlab

from rtlab.client import connect


def test_it_says_where_and_ends_by_itself():
    done = rtlab("serve", "--port", "0", "--for", "500ms")
    assert done.returncode == 0
    assert done.stdout.startswith("feed at ws://127.0.0.1:")


async def test_an_owned_server_serves_until_its_input_closes():
    command = [sys.executable, "-m", "rtlab", "serve", "--owned", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = json.loads(server.stdout.readline())["url"]
        async with connect(url) as client:
            book = await client.ready(client.subscribe("book", "ETH-USD", depth=5))
            assert book.view.bids()[0][0] < book.view.asks()[0][0]
        server.stdin.close()
        assert server.wait(20) == 0


def test_a_port_in_use_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        assert_one_clear_line(rtlab("serve", "--port", port), str(port), "in use")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--rate", "0"], ["rate", "from 1 to 1000000", "got 0"]),
        (["--rate", "many"], ["--rate", "'many'"]),
        (["--for", "soon"], ["--for", "20s"]),
        (["--colour", "red"], ["--colour"]),
        (["--host", "203.0.113.1"], ["203.0.113.1"]),
    ],
)
def test_a_bad_flag_is_one_clear_line(arguments, parts):
    assert_one_clear_line(rtlab("serve", "--port", "0", *arguments), *parts)
