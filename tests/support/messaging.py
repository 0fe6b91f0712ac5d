"""What the tests of messaging share: the bindings of both languages, the vectors, and JavaScript by Node."""

import gzip
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from support.recorded import missing, recorded

ROOT = Path(__file__).resolve().parents[2]
JAVASCRIPT = ROOT / "rtlab" / "messaging" / "js"
BINDINGS = ROOT / "tests" / "fixtures" / "messaging" / "bindings.json"


@cache
def bindings() -> dict[str, Any]:
    """Genuine and forged bindings of every scheme, as tools/bindings.py writes them."""
    return json.loads(BINDINGS.read_text())


@cache
def vectors(name: str) -> Any:
    """A file of vectors/, unpacked."""
    path = recorded(f"vectors/{name}")
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def node() -> str:
    """The Node that built the widget."""
    told = ROOT / ".made" / "node"
    found = told.read_text().strip() if told.exists() else shutil.which("node")
    if found is None or not (JAVASCRIPT / "node_modules").exists():
        missing("the widget is not built (make widget)")
        raise AssertionError
    return found


@cache
def javascript_report() -> dict[str, Any]:
    """What messaging_vectors.mjs says: by file the cases that agreed, those skipped, and every difference."""
    program = Path(__file__).with_name("messaging_vectors.mjs")
    arguments = [node(), str(program), str(JAVASCRIPT), str(BINDINGS), str(recorded("vectors"))]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
