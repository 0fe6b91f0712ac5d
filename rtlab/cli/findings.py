"""One thing that the doctor looked at."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`needed`: without it rtlab does not run; `mend` is what to do."""

    name: str
    good: bool
    found: str
    mend: str
    needed: bool = True
