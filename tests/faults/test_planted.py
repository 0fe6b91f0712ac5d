"""Ten faults of a machine, each planted: the doctor, or the command that fails, names it and what to do about it."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
from support.command import assert_one_clear_line, rtlab

PLANTED = Path(__file__).resolve().parents[1] / "support" / "planted.py"
KEY = "a secret of this test, 32 bytes or more"


def planted(fault: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PLANTED), fault, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def line_of(done: subprocess.CompletedProcess[str], name: str) -> str:
    (line,) = [one for one in done.stdout.splitlines() if one[5:].startswith(name)]
    return line


@contextmanager
def redis_of_version(version: str) -> Iterator[str]:
    """A server that says of itself in Redis' protocol that it is of this version."""
    info = f"# Server\r\nredis_version:{version}\r\n".encode()

    def answer(listening: socket.socket) -> None:
        while True:
            with listening.accept()[0] as peer:
                while asked := peer.recv(65_536):
                    for command in re.split(rb"(?m)^\*\d+\r\n", asked)[1:]:
                        is_new = b"HELLO" in command or b"SETINFO" in command
                        refused = b"-ERR unknown command\r\n" if is_new else b"+OK\r\n"
                        told = b"$%d\r\n%s\r\n" % (len(info), info)
                        peer.sendall(told if b"INFO\r\n" in command and not is_new else refused)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=(listening,), daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"


def test_no_redis():
    done = rtlab("doctor", environ={"RTLAB_REDIS_URL": "redis://127.0.0.1:1"})
    assert done.returncode == 1
    line = line_of(done, "store's server")
    assert line.startswith("MISS")
    assert line.endswith("-> start it, or set RTLAB_REDIS_URL")


def test_an_old_redis():
    with redis_of_version("5.0.7") as url:
        done = rtlab("doctor", environ={"RTLAB_REDIS_URL": url})
    assert done.returncode == 1
    line = line_of(done, "store's server")
    assert "version 5.0.7 -> Redis or KeyDB of the level 6.2 or newer, or Valkey" in line


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = line_of(rtlab("doctor", environ={"RTLAB_PORT": str(port)}), "port")
        failed = rtlab("serve", "--port", port)
    assert told.startswith("info")
    assert f"127.0.0.1:{port} is in use -> set RTLAB_PORT, or 0 for a free one" in told
    assert_one_clear_line(failed, str(port))


def test_64_files():
    line = line_of(planted("few_files", "doctor"), "open files")
    assert "64, may be raised to 64 -> ulimit -n 1024" in line


def test_a_full_disk(tmp_path):
    line = line_of(planted("full_disk", "doctor"), "disk, temporary files")
    assert "0.0 GiB free" in line
    assert line.endswith("-> make room, or name another folder")


def test_a_missing_extra():
    assert "without aio-pika -> pip install 'rtlab[rabbit]'" in line_of(
        planted("no_aio_pika", "doctor"), "[rabbit]"
    )
    assert_one_clear_line(
        planted("no_aio_pika", "bus", "list", "--url", "amqp://127.0.0.1:1/"), "rtlab[rabbit]"
    )


def test_kernels_that_cannot_be_kept():
    line = line_of(planted("no_cache", "doctor"), "kernels")
    assert "cannot be kept in /dev/null/cache" in line
    assert "NUMBA_CACHE_DIR" in line


def test_a_wrong_clock():
    done = planted("wrong_clock", "doctor")
    assert done.returncode == 1
    assert re.search(r"MISS clock .* days before rtlab was installed -> set the clock", done.stdout)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    key = tmp_path_factory.mktemp("keys") / "key"
    key.write_text(KEY)
    command = [sys.executable, "-m", "rtlab", "serve", "--port", "0", "--token-key", str(key), "--for", "2m"]
    quick = {**os.environ, "RTLAB_HANDSHAKE_S": "0.5"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=quick) as server:
        assert server.stdout is not None
        yield re.findall(r"ws://\S+", server.stdout.readline())[0]
        server.terminate()
        server.wait(20)


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("none", "did not authenticate itself"),
        ("not.a.token", "is not a token"),
        (
            jwt.encode({"sub": "x"}, "another secret, also of 32 bytes or more", "HS256"),
            "not signed with the key",
        ),
    ],
    ids=["no token", "no token at all", "another key"],
)
def test_a_wrong_token(guarded, tmp_path, token, says):
    done = rtlab("record", tmp_path, "--url", guarded, environ={"RTLAB_TOKEN": token})
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("rtlab: ")
    assert says in last
    assert "RTLAB_TOKEN" in last


@pytest.mark.browser
def test_no_webgl():
    line = line_of(rtlab("doctor", "--browser"), "browser renderer")
    assert line.startswith("info")
    assert "SwiftShader" in line or "none" in line
    assert "-> plots are drawn on canvas instead" in line
