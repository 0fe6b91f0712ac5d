import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from support.certificates import make_certificate
from support.command import assert_one_clear_line, environ_without, rtlab, signalled_while_compiling
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed

from rtlab.client import Client, connect


def test_it_says_where_and_ends_by_itself():
    done = rtlab("serve", "--port", "0", "--for", "500ms")
    assert done.returncode == 0
    assert done.stdout.startswith("feed at ws://127.0.0.1:")


async def test_over_tls_all_who_come_at_once_are_served(tmp_path):
    certificate, key = make_certificate(tmp_path)
    files = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    command = [sys.executable, "-m", "rtlab", "serve", "--owned", "--port", "0", *files]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = json.loads(server.stdout.readline())["url"]
        assert url.startswith("wss://")
        async with contextlib.AsyncExitStack() as stack:
            clients = await asyncio.gather(
                *(stack.enter_async_context(connect(url, ca_file=certificate)) for _ in range(20))
            )
            books = [client.subscribe("book", "ETH-USD", depth=5) for client in clients]
            await asyncio.gather(*map(Client.ready, clients, books))
        server.stdin.close()
        assert server.wait(20) == 0


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
        (["--source", "krakn:BTC/USD"], ["krakn is not known (did you mean kraken?)", "ccxt.NAME"]),
        (["--source", "kraken:BTC/USD", "--role", "engine"], ["a live --source is served by itself"]),
    ],
)
def test_a_bad_flag_is_one_clear_line(arguments, parts):
    assert_one_clear_line(rtlab("serve", "--port", "0", *arguments), *parts)


def test_messages_that_are_not_installed_are_told_before_anything_is_compiled(tmp_path):
    done = rtlab("serve", "--port", "0", "--messages", environ=environ_without("base58", tmp_path))
    assert_one_clear_line(done, "pip install 'rtlab[messaging]'", "No module named 'base58'")
    assert "compiling" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_it_compiles_and_nothing_half_is_kept(number, tmp_path):
    done = signalled_while_compiling(number, tmp_path, "serve", "--port", "0")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"rtlab: compiling the matching engine \(once, kept in .*\)…\n", done.stderr)
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and path.suffix not in (".nbi", ".nbc")
    ]


async def test_sigterm_sends_readers_away_with_a_hint_and_the_log_is_json():
    command = [sys.executable, "-m", "rtlab", "serve", "--owned", "--port", "0"]
    environ = {**os.environ, "RTLAB_LOG_LEVEL": "info", "RTLAB_LOG_FORM": "json", "RTLAB_DRAIN_S": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environ) as server:
        url = json.loads(server.stdout.readline())["url"]
        async with open_websocket(url, subprotocols=["rtlab.v1.json"], proxy=None) as reader:
            server.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(to_the_end(reader), 20)
        assert (closed.value.rcvd.code, "retry in" in closed.value.rcvd.reason) == (1012, True)
        assert server.wait(20) == 0
        lines = [
            line for line in server.stderr.read().splitlines() if not line.startswith("rtlab: compiling")
        ]
    said = [json.loads(line) for line in lines]
    assert [one["what"] for one in said] == ["opened", "closing", "left"]
    assert said[1]["code"] == 1012


async def to_the_end(reader) -> None:
    while True:
        await reader.recv()


def test_a_server_for_other_machines_wants_to_be_told_who_may_come():
    done = rtlab("serve", "--port", "0", "--host", "0.0.0.0")
    assert_one_clear_line(done, "token_key", "allow_anyone")
    done = rtlab("serve", "--port", "0", "--host", "0.0.0.0", "--allow-anyone", "--for", "200ms")
    assert done.returncode == 0
    assert "without TLS" in done.stderr


def test_a_relay_says_where_its_page_is():
    done = rtlab("serve", "--port", "0", "--messages", "--for", "200ms")
    assert done.returncode == 0, done.stderr
    feed, messages = done.stdout.splitlines()
    port = feed.split(" (")[0].rpartition(":")[2].rstrip("/")
    assert messages == f"messages at http://127.0.0.1:{port}/messages.html"
