import json

from support.command import rtlab


def test_it_finds_what_runs_here_and_says_so_line_by_line():
    done = rtlab("doctor")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for name in ("python", "kernels", "numba", "duckdb", "clock", "[rabbit]"):
        assert any(name in line for line in lines), name
    assert "MISS" not in done.stdout


def test_as_json_each_finding_has_its_mend():
    findings = json.loads(rtlab("doctor", "--json").stdout)["findings"]
    assert {"name", "good", "found", "mend", "needed"} == set(findings[0])
    assert all(one["mend"] for one in findings if not one["good"])
