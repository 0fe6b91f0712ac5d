"""Times as venues write them, in ns."""

from datetime import UTC, datetime
from functools import lru_cache

_NS = 1_000_000_000


@lru_cache(maxsize=64)
def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())


def rfc3339_ns(text: str) -> int:
    """Give the ns since 1970 of "2023-10-06T17:35:55.440295Z", with up to nine digits after the point, exactly.

    Raises ValueError when it is no such time.
    """
    body = text.removesuffix("Z")
    whole, _, fraction = body.partition(".")
    if len(text) > 40 or (fraction and not fraction.isdecimal()) or "T" not in whole:
        raise ValueError(f"{text[:40]!r} is no time of UTC")
    return _seconds(whole) * _NS + int(fraction[:9].ljust(9, "0") or 0)
