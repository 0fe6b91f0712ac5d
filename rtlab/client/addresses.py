"""The gateways of one feed: which to try next, and when."""

import re
from collections.abc import Sequence

from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from rtlab.client.backoff import Backoff
from rtlab.errors import ConfigError, shown

_MEANT = re.compile(r"(?:http(s?)://)?([\w.-]+(?::\d{1,5})?/?)", re.ASCII)
MOVE_S = 0.5
"""Who goes to another gateway does so within this time, at random: it is not to be overrun by all readers of one."""


def check_url(url: str) -> str:
    """Give `url` back when it is a WebSocket URL; else ConfigError."""
    try:
        parse_uri(url)
    except (InvalidURI, ValueError):
        raise ConfigError(
            f"this is not the address of a feed{_hint(url)}", expected="ws://host:port", got=shown(url)
        ) from None
    return url


def _hint(url: str) -> str:
    # what a browser's line, or no thought of the scheme, would have
    found = _MEANT.fullmatch(url)
    return f" (did you mean ws{found[1] or ''}://{found[2]}?)" if found else ""


class Address:
    """One gateway: `not_before` (ns, monotonic) is when it may be tried again."""

    def __init__(self, url: str, seed: int | None) -> None:
        self.url = check_url(url)
        self.backoff = Backoff(seed=seed)
        self.not_before = 0


class Addresses:
    """The gateways of one feed in the order of preference; the first is `here`, and stays so until it is gone.

    Each has its own backoff and the hint that it gave. The next try goes to the one that may be tried first, in
    turn where several may. ConfigError for none, and for what is no WebSocket URL.
    """

    def __init__(self, urls: str | Sequence[str], *, seed: int | None = None) -> None:
        self._all = [Address(url, seed) for url in ([urls] if isinstance(urls, str) else urls)]
        if not self._all:
            raise ConfigError(
                "the caller names no address of a feed", expected="at least one", got="an empty list"
            )
        self.here = self._all[0]

    def __len__(self) -> int:
        return len(self._all)

    @property
    def url(self) -> str:
        """Where the client is connected, or tries next."""
        return self.here.url

    @property
    def shown(self) -> str:
        """The same for people and logs."""
        return shown(self.here.url)

    @property
    def tries(self) -> int:
        """Count the tries since the last one that led to an answer, at all addresses."""
        return sum(one.backoff.tries for one in self._all)

    def gone(self, now: int, hint_s: float | None = None) -> float:
        """This one did not answer, or is lost; go on to the next, and give the seconds to wait before it is tried."""
        gone = self.here
        gone.not_before = now + round(gone.backoff.delay_s(hint_s) * 1e9)
        after = self._all.index(gone) + 1
        self.here = min(self._all[after:] + self._all[:after], key=lambda one: max(now, one.not_before))
        wait_s = max(0, self.here.not_before - now) / 1e9
        return wait_s if self.here is gone else max(wait_s, gone.backoff.part_of(MOVE_S))

    def answered(self) -> None:
        """This one works: next time the tries begin anew, everywhere."""
        for one in self._all:
            one.backoff.reset()
