import json
import socket

from support.command import rtlab

from rtlab.cli.doctor import CHECKS, NEEDED
from rtlab.config import Settings


def test_it_finds_what_runs_here_and_says_so_line_by_line():
    done = rtlab("doctor")
    assert done.returncode == 0
    assert all(
        any(name in line for line in done.stdout.splitlines()) for name in ("python", "kernels", *NEEDED)
    )
    assert "MISS" not in done.stdout


def test_as_json_each_finding_has_its_mend():
    findings = json.loads(rtlab("doctor", "--json").stdout)["findings"]
    assert {"name", "good", "found", "mend", "needed"} == set(findings[0])
    assert all(one["mend"] for one in findings if not one["good"])


def test_a_port_in_use_is_a_finding_with_its_mend():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        found = [one for check in CHECKS for one in check(Settings(port=port)) if one.name == "port"]
    assert not found[0].good
    assert "RTLAB_PORT" in found[0].mend
    assert not found[0].needed


def test_the_stores_server_is_named_by_its_program_or_by_its_url():
    def found(settings):
        return next(one for check in CHECKS for one in check(settings) if one.name == "store's server")

    assert found(Settings()).found.split(",")[0].endswith(("redis-server", "valkey-server"))
    assert "redis://there" in found(Settings(redis_url="redis://there")).found
