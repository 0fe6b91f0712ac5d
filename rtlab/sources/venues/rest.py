"""Questions by HTTP to a venue: few at a time, and none while it asks not to be asked."""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import NamedTuple

TIMEOUT_S = 5.0
MOST_BYTES = 32 << 20
AT_ONCE = 2
LIMITED = (418, 429)  # banned for a while, and asked too often
LIMITED_S = 30.0  # where a venue that limits us does not say how long


class Answer(NamedTuple):
    """What came: `status` 0 when nobody answered; then `reason` says why. `retry_after_s` is the venue's wish."""

    status: int
    body: bytes
    reason: str
    retry_after_s: float


class Rest:
    """Asks one venue. While the venue's wish for a pause lasts, every question is answered here, as refused."""

    def __init__(self) -> None:
        self.asked = self.limited = self.held = 0
        self._paused_until = 0.0
        self._room = asyncio.Semaphore(AT_ONCE)
        self._open = urllib.request.build_opener(_Straight()).open

    async def get(self, url: str) -> Answer:
        """Ask for `url`; a failure of any kind is an Answer too."""
        async with self._room:
            pause = self._paused_until - time.monotonic()
            if pause > 0:
                self.held += 1
                return Answer(0, b"", f"the venue asked for a pause, {pause:.1f} s of it are left", pause)
            self.asked += 1
            answer = await asyncio.to_thread(self._get, url)
        if answer.status in LIMITED:
            self.limited += 1
            pause = answer.retry_after_s or LIMITED_S
            self._paused_until = time.monotonic() + pause
            return answer._replace(retry_after_s=pause)
        return answer

    def _get(self, url: str) -> Answer:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "rtlab"})
            with self._open(request, timeout=TIMEOUT_S) as response:
                body = response.read(MOST_BYTES + 1)
                if len(body) > MOST_BYTES:
                    return Answer(0, b"", f"the answer has more than {MOST_BYTES >> 20} MiB", 0.0)
                return Answer(response.status, body, "", 0.0)
        except urllib.error.HTTPError as problem:
            with problem:
                body = problem.read(4096)
            reason = f"the venue answered {problem.code} {body[:120].decode(errors='replace')}".strip()
            return Answer(problem.code, body, reason, retry_after_s(dict(problem.headers)))
        except (
            OSError,
            ValueError,
            HTTPException,
        ) as problem:
            return Answer(0, b"", f"the venue does not answer: {problem}", 0.0)


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a venue is where its documents say."""

    def redirect_request(self, *_: object) -> None:
        return None


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Give the seconds of `Retry-After`; 0 where there is none, or it is a date."""
    told = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    return min(float(told), 86_400.0) if told.isdecimal() else 0.0
