"""The module that browsers load. It is built from rtlab/messaging/js by `make widget`, and is in every wheel."""

from functools import cache
from pathlib import Path

from rtlab.errors import MessagingError

FOLDER = Path(__file__).with_name("js") / "dist"


def path() -> Path:
    """Give the file of the module; MessagingError says how to build it where it is not there."""
    found = FOLDER / "messages.js"
    if not found.exists():
        raise MessagingError(
            "the messaging widget is not built here",
            expected="`make widget` in the project's folder (needs the package registry), or an installed wheel",
            got=f"no {found}",
        )
    return found


@cache
def script() -> bytes:
    """Give the module's text."""
    return path().read_bytes()
