"""Durations as a person writes them."""

import re

import click

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only in the newest click
    """`20s`, `1.5m`, `250ms`, `2h`, or a plain number of seconds; gives seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Give `value` in seconds; one line to the user when it is no duration."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", str(value).strip())
        if found is None or float(found[1]) == 0:
            self.fail(f"expected a duration above 0 such as 20s or 2m, got {value!r}", param, ctx)
        return float(found[1]) * _UNITS[found[2] or "s"]
