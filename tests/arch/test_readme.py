"""The README names all there is, and what it shows runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rtlab.cli import COMMANDS
from rtlab.cli.bench import BENCHES
from rtlab.config import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_every_python_block_runs_in_order_as_one_script():
    assert len(BLOCKS) >= 3
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(BLOCKS)], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "bid | ask" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_named(name):
    assert f"`rtlab {name}" in README


@pytest.mark.parametrize("name", BENCHES)
def test_every_benchmark_is_named(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda s: s.name)
def test_every_setting_is_named_with_its_variable_and_default(setting):
    assert f"| `{setting.name}` | `{setting.variable}` | `{setting.default}` |" in README


def test_every_notebook_and_dashboard_is_named():
    paths = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("dashboards/*.py")]
    assert paths
    assert [str(p.relative_to(ROOT)) for p in paths if str(p.relative_to(ROOT)) not in README] == []


def test_every_room_is_named():
    rooms = [p.parent.name for p in ROOT.glob("rtlab/*/__init__.py")]
    assert [room for room in rooms if f"`rtlab/{room}`" not in README] == []


def test_every_target_of_the_makefile_is_named():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [t for t in targets if t != "clean" and f"make {t}" not in README] == []


def test_every_file_that_is_linked_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_nothing_is_left_to_fill_in():
    assert not re.search(r"\b(TODO|TBD|FIXME|NUMBERS)\b", README)
