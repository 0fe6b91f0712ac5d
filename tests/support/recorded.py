"""Where the recorded market data lie, and what happens where they do not."""

import os
from pathlib import Path

import pytest


def missing(reason: str) -> None:
    """Skip on a user's machine, fail in CI: there everything has been installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have this: {reason}")
    pytest.skip(reason)


def recorded(name: str) -> Path:
    """Give the path of one recorded file, named relative to RTLAB_DATA."""
    path = Path(os.environ.get("RTLAB_DATA", "../shared/data")) / name
    if not path.exists():
        missing(f"no recorded data at {path} (set RTLAB_DATA)")
    return path
