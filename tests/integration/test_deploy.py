"""The set-up of `rtlab deploy`, run: its units' own commands and environment, on free ports and in a folder of ours."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import jwt
import pytest
from support.store import store_server

from rtlab.cli.deploy import given
from rtlab.client import connect

SECRET = "a secret of this test, 32 bytes or more"
TEXTS = given()


def arguments(unit: str) -> list[str]:
    line = re.search(r"^ExecStart=(.*)$", TEXTS[f"systemd/{unit}.service"], re.MULTILINE)
    assert line is not None
    return shlex.split(line[1])[1:]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway, beside its engine and recorder."""
    place = tmp_path_factory.mktemp("deployed")
    key = place / "readers.key"
    key.write_text(SECRET)
    plain = dict(line.split("=", 1) for line in TEXTS["rtlab.env"].splitlines() if line[:1].isalpha())
    with ExitStack() as stack:
        redis = stack.enter_context(store_server())
        ours = {"RTLAB_REDIS_URL": redis.url, "RTLAB_TOKEN_KEY": str(key), "RTLAB_DRAIN_S": "0.2"}
        ours |= {"RTLAB_PORT": "0", "RTLAB_HOST": "127.0.0.1"}

        def start(unit: str) -> str:
            words = [word.replace("/var/lib/rtlab", str(place)) for word in arguments(unit)]
            command = [sys.executable, "-m", "rtlab", *words]
            environment = {**os.environ, **plain, **ours}
            process = stack.enter_context(
                subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
                )
            )
            stack.callback(process.terminate)
            assert process.stdout is not None
            return process.stdout.readline()

        assert "market written to" in start("rtlab-engine")
        assert "recording into" in start("rtlab-recorder")
        yield re.findall(r"ws://\S+", start("rtlab-gateway@"))[0]


def token() -> str:
    claims = {"iss": "rtlab", "aud": "rtlab", "sub": "ann", "jti": "1", "channels": ["*"]}
    return jwt.encode(claims | {"exp": int(time.time()) + 600}, SECRET, "HS256")


def asked(url: str, path: str) -> str:
    request = urllib.request.Request(url.replace("ws://", "http://") + path)
    request.add_header("Authorization", f"Bearer {token()}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


async def test_a_reader_with_a_token_gets_books_that_the_engine_made(running):
    async with connect(running, token=token()) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD", depth=10))
        begun = book.view.seq
        async for _ in client:
            if book.view.seq > begun:
                break
        assert book.view.bids()
        assert client.statistics().reader.gaps == 0


def test_it_says_that_readers_may_come(running):
    with urllib.request.urlopen(running.replace("ws://", "http://") + "/ready", timeout=10) as answer:
        assert answer.status == 200


def test_every_metric_of_rules_and_board_is_printed(running):
    printed = set(re.findall(r"^(rtlab_\w+)", asked(running, "/metrics"), re.MULTILINE))
    watched = set(re.findall(r"\brtlab_\w+", TEXTS["prometheus/rules.yml"]))
    watched |= set(re.findall(r"\brtlab_\w+", TEXTS["grafana/rtlab.json"]))
    assert len(watched) >= 25
    assert watched <= printed, watched - printed


if shutil.which("systemd-analyze"):  # there is no systemd in most containers, and nothing else to ask

    def test_systemd_takes_the_units(tmp_path):
        program = tmp_path / "rtlab"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        paths = []
        for name, text in TEXTS.items():
            if name.startswith("systemd/"):
                paths.append(tmp_path / Path(name).name)
                paths[-1].write_text(text.replace("/opt/rtlab/bin/rtlab", str(program)))
        done = subprocess.run(
            ["systemd-analyze", "verify", *map(str, paths)], capture_output=True, text=True, timeout=60
        )
        ours = [line for line in done.stderr.splitlines() if "rtlab" in line]
        assert ours == []
