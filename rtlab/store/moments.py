"""Moments and spans of time as people write them."""

import time
from datetime import UTC, datetime, timedelta

from rtlab.errors import ConfigError

Moment = int | str | datetime
"""ns since 1970, an ISO 8601 text, or a datetime; without a zone they are in UTC."""

_UNITS = {"ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}


def ns_of(moment: Moment) -> int:
    """Give a moment in ns, exactly; ConfigError when it is none."""
    if isinstance(moment, int):
        return moment
    try:
        when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        raise ConfigError("this is no moment", expected="ns, or as 2024-08-09T12:00:00", got=moment) from None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    passed = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 10**9 + passed.microseconds * 1000


def text_of(ns: int) -> str:
    """Write a moment (ns) as people and `ns_of` read it, in UTC, to the millisecond."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns // 10**6 % 1000:03d}"


def span_ns(span: str | timedelta) -> int:
    """Give how long a span is in ns: a timedelta, or as 100ms, 30s, 5m, 1h, 7d; ConfigError when it is none."""
    if isinstance(span, timedelta):
        return (span.days * 86_400 + span.seconds) * 10**9 + span.microseconds * 1000
    digits = span.rstrip("msdh")
    unit = _UNITS.get(span[len(digits) :])
    if unit is None or not digits.isdigit():
        raise ConfigError("this is no span of time", expected="as 100ms, 30s, 5m, 1h or 7d", got=span)
    return int(digits) * unit
