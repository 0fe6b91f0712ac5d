"""A row of a bench's results: what `rtlab bench --json` prints for one contender in one case."""

from collections.abc import Sequence
from statistics import median


def result(
    name: str, contender: str, case: str, unit: str, values: Sequence[float], reason: str = ""
) -> dict[str, object]:
    """Summarise the values of all runs; without any the numbers are None, and `reason` says why."""
    numbers = (median(values), min(values), max(values)) if values else (None, None, None)
    made: dict[str, object] = {"name": name, "contender": contender, "case": case, "unit": unit}
    made |= {"runs": len(values), **dict(zip(("median", "min", "max"), numbers, strict=True))}
    return made | {"reason": reason} if reason else made
