import sys
from pathlib import Path

import pytest

from rtlab.cli.bench.environments import Unfit, answer, modules_with, python_with

PYTHON = Path(sys.executable)


def script(folder, text):
    path = folder / "script.py"
    path.write_text(text)
    return path


def test_the_last_line_is_the_answer(tmp_path):
    path = script(tmp_path, "import sys, json; print('by the way'); print(json.dumps({'got': sys.argv[1:]}))")
    assert answer(PYTHON, path, 7, "x") == {"got": ["7", "x"]}


def test_a_module_beside_the_script_does_not_stand_in_for_one_of_the_standard_library(tmp_path):
    (tmp_path / "numbers.py").write_text("")
    path = script(tmp_path, "import json, numbers; print(json.dumps({'got': numbers.Integral.__name__}))")
    assert answer(PYTHON, path) == {"got": "Integral"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise ValueError('this way not')", "failed: ValueError: this way not"),
        ("pass", "gave no answer"),
        ("print('no json')", "gave no answer"),
        ("import time; time.sleep(60)", r"was not done in 0\.3 s"),
    ],
)
def test_a_peer_without_an_answer_has_a_reason(tmp_path, text, reason):
    with pytest.raises(Unfit, match=reason):
        answer(PYTHON, script(tmp_path, text), patience_s=0.3 if "sleep" in text else 30)


def test_what_cannot_be_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("rtlab.cli.bench.environments.cache_folder", lambda: tmp_path / "none")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(Unfit, match="could not be installed"):
        python_with("peers", ["nothing==0"])


def test_an_environment_that_is_there_is_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr("rtlab.cli.bench.environments.cache_folder", lambda: tmp_path)
    python = tmp_path / "peers" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\n')
    python.chmod(0o755)
    assert python_with("peers", ["one==1", "two==2"]) == python
    assert (tmp_path / "said").read_text().split()[-2:] == ["one==1", "two==2"]


def test_npm_packages_are_installed_beside_each_other_without_scripts(tmp_path, monkeypatch):
    monkeypatch.setattr("rtlab.cli.bench.environments.cache_folder", lambda: tmp_path)
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert modules_with("charts", ["one@1"]) == tmp_path / "charts" / "node_modules"
    said = (tmp_path / "said").read_text().split()
    assert said[:3] == ["install", "--prefix", str(tmp_path / "charts")]
    assert "--ignore-scripts" in said
    assert said[-1] == "one@1"


def test_a_registry_that_refuses_is_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("rtlab.cli.bench.environments.cache_folder", lambda: tmp_path)
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(Unfit, match="could not be installed"):
        modules_with("charts", ["one@1"])
