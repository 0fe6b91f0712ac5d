"""The README names all there is, and what it shows runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rtlab.cli import COMMANDS
from rtlab.cli.bench import BENCHES
from rtlab.cli.bench.everything import written_into
from rtlab.config import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
HEADINGS = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_every_python_block_runs_in_order_as_one_script(tmp_path):
    assert len(BLOCKS) >= 3
    command = [sys.executable, "-W", "error", "-c", "\n".join(BLOCKS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "bid | ask" in done.stdout
    assert re.search(r"instrument +second +vwap +volume\n0 +BTC-USD +20", done.stdout), done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_named(name):
    assert f"`rtlab {name}" in README


@pytest.mark.parametrize("name", BENCHES)
def test_every_benchmark_is_named(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda s: s.name)
def test_every_setting_is_named_with_its_variable_and_default(setting):
    assert f"| `{setting.name}` | `{setting.variable}` | `{setting.default}` |" in README


def test_the_numbers_of_all_benches_have_their_place():
    assert "| one | two |" in written_into(README, "| one | two |\n")


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


def test_every_link_to_elsewhere_is_secure_and_every_anchor_has_its_heading():
    outside = re.findall(r"\]\((\w+://[^)]+)\)", README)
    assert outside
    assert [link for link in outside if not re.fullmatch(r"https://[\w.-]+(/[\w./-]+)?", link)] == []
    headings = {re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in HEADINGS}
    assert [link for link in re.findall(r"\]\(#([^)]+)\)", README) if link not in headings] == []


def test_links_of_the_other_documents_lead_somewhere():
    lost = []
    for path in ROOT.glob("rtlab/**/*.md"):
        if "node_modules" in path.parts:
            continue
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text()):
            if not (path.parent / link).exists() and not (ROOT / link).exists():
                lost.append(f"{path.relative_to(ROOT)}: {link}")
    assert lost == []


@pytest.mark.parametrize("peer", ["Perspective", "cryptofeed", "NautilusTrader", "Centrifugo", "XMTP"])
def test_what_others_do_better_is_said_too(peer):
    (row,) = re.findall(rf"^\| \[{peer}\]\([^)]+\) \|(.+?)\|(.+?)\|$", README, re.MULTILINE)
    assert all(len(cell.split()) >= 8 for cell in row)
