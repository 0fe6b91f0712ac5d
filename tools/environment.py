"""Print environment.yml, derived from pyproject.toml: `python tools/environment.py > environment.yml`."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def render(pyproject: dict) -> str:
    project = pyproject["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + extras["notebook"] + extras["dev"]
    lines = [
        "# Made from pyproject.toml by `make environment`; a test compares the two.",
        "name: rtlab",
        "channels: [conda-forge]",
        "dependencies:",
        f"  - python {project['requires-python']}",
        "  - git",
        "  - make",
        "  - pip",
        "  - pip:",
        *(f"      - {one!r}" if ";" in one else f"      - {one}" for one in sorted(set(requirements))),
        "      - --editable .",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render(tomllib.loads((ROOT / "pyproject.toml").read_text())), end="")
