"""Intervals as texts: `100ms`, `1s`, `5m`."""

import re

from rtlab.errors import ConfigError

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
LONGEST_NS = 366 * NANOSECONDS["d"]
LEAST_BARE_NS = NANOSECONDS["ms"]  # whoever writes less without a unit means seconds, minutes or ms
EXPECTED = "a whole number and a unit, as 100ms, 1s, 5m or 1h"


def interval_ns(interval: str | int) -> int:
    """Give an interval in ns, from a text such as `100ms`, `1s`, `1m`, `1h`, or from whole ns of a ms or more.

    Units: ns, us, ms, s, m (or min), h, d. ConfigError for anything else, for 0, for more than 366 days, and for a
    number below 1,000,000 without a unit: what is so short has its unit with it, as `10ns`.
    """
    if isinstance(interval, str):
        parts = re.fullmatch(r"([0-9]{1,20})\s?([a-z]+)", interval.strip())
        if not parts or parts[2] not in NANOSECONDS:
            raise ConfigError("an interval is not understood", expected=EXPECTED, got=repr(interval))
        length = int(parts[1]) * NANOSECONDS[parts[2]]
    elif isinstance(interval, int) and not isinstance(interval, bool):
        length = interval
    else:
        raise ConfigError("an interval is not understood", expected=EXPECTED, got=repr(interval))
    if not 0 < length <= LONGEST_NS:
        raise ConfigError("an interval is out of range", expected="above 0, at most 366d", got=repr(interval))
    if length == interval and length < LEAST_BARE_NS:
        raise ConfigError(
            "an interval without a unit is in ns, and so few are hardly meant",
            expected=f"a unit, as '{length}s' or '{length}ms'",
            got=length,
        )
    return length
