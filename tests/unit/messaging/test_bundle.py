import hashlib
import json
import subprocess

import pytest
from support.messaging import JAVASCRIPT, ROOT, node

from rtlab.errors import MessagingError
from rtlab.messaging import bundle

LARGEST_GZIP = 100_000


def test_the_bundle_is_the_recorded_one_and_built_twice_the_same():
    recorded = (JAVASCRIPT / "bundle.sha256").read_text().strip()
    for _ in range(2):
        done = subprocess.run(
            [node(), "build.mjs"], cwd=JAVASCRIPT, capture_output=True, text=True, timeout=60, check=True
        )
        assert json.loads(done.stdout)["sha256"] == recorded
        assert hashlib.sha256(bundle.path().read_bytes()).hexdigest() == recorded


def test_the_bundle_is_small_and_every_part_has_its_licence():
    about = json.loads((JAVASCRIPT / "dist" / "about.json").read_text())
    print(about)
    assert about["gzip"] <= LARGEST_GZIP
    licences = (JAVASCRIPT / "dist" / "LICENCES.txt").read_text()
    for name in about["parts"]:
        if name not in ("rtlab", "left out"):
            assert f"\n{name} " in f"\n{licences}"
    assert licences.count("Permission is hereby granted") >= 5


def test_the_bundle_runs_no_text_and_asks_no_other_host():
    text = bundle.script().decode("ascii")
    for forbidden in (
        "eval(",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "new Function",
    ):
        assert forbidden not in text, forbidden
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "sourceMappingURL" not in text
    assert str(ROOT) not in text


def test_dependencies_are_pinned_exactly_and_locked_by_their_hashes():
    wanted = json.loads((JAVASCRIPT / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(version[0].isdigit() for version in versions.values())
    assert versions["ts-mls"] == "1.6.4"
    locked = json.loads((JAVASCRIPT / "package-lock.json").read_text())["packages"]
    assert all("integrity" in one for name, one in locked.items() if name)
    assert all(locked[f"node_modules/{name}"]["version"] == version for name, version in versions.items())


def test_no_bundle_is_committed():
    tracked = subprocess.run(
        ["git", "ls-files", "rtlab/messaging/js"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "package-lock.json" in tracked.stdout
    assert not any("dist/" in name or "node_modules/" in name for name in tracked.stdout.split())


def test_without_a_bundle_it_says_how_to_build_one(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "FOLDER", tmp_path)
    with pytest.raises(MessagingError, match="make widget"):
        bundle.path()
