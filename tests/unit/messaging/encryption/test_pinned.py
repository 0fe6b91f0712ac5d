"""The builds of mls-rs are pinned by hash, and the one that is installed here is one of them."""

import hashlib
import re
import tomllib
from pathlib import Path

import mls_rs_uniffi
from support.messaging import ROOT

PINNED = (ROOT / "rtlab" / "messaging" / "encryption" / "mls-rs.txt").read_text()


def test_the_version_is_that_of_the_extra_and_every_wheel_has_its_hash():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = re.search(r"^(agentvault-mls-rs-uniffi==\S+)", PINNED, re.MULTILINE).group(1)
    extras = project["project"]["optional-dependencies"]
    assert pinned in extras["messaging"]
    assert pinned in extras["dev"]
    assert len(set(re.findall(r"--hash=sha256:([0-9a-f]{64})", PINNED))) == 3


def test_the_library_that_is_installed_is_one_of_the_pinned():
    known = dict(re.findall(r"^# library ([0-9a-f]{64}) (\S+)$", PINNED, re.MULTILINE))
    folder = Path(mls_rs_uniffi.__file__).parent
    library = next(path for path in folder.iterdir() if path.suffix in (".so", ".dylib", ".dll"))
    digest = hashlib.sha256(library.read_bytes()).hexdigest()
    assert known.get(digest) == f"mls_rs_uniffi/{library.name}"
