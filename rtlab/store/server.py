"""The server of a store as its clients meet it: too old, forgetful, closed to them, or away."""

import logging
from typing import Any

from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError

from rtlab.errors import ConfigError, StoreError, UnreachableError, shown
from rtlab.server_info import OLDEST, faults, is_too_old, version_of
from rtlab.store.connection import Stalled

log = logging.getLogger("rtlab.store")


async def look_at(redis: Any, url: str, *, is_known: bool = False) -> str:
    """Ask a server what it is, and warn of how it may lose what it holds; give its run id.

    StoreError when it is too old, ConfigError when it does not let us in, unless it did before (`is_known`): then it
    is as good as away. One that may not be asked is taken as it is, and has no run id.
    """
    try:
        info = await redis.info()
    except ConnectionError as problem:
        if is_known or not _is_refusal(problem):
            raise
        raise no_answer(url, problem) from None
    except NoPermissionError as problem:
        log.warning("Redis at %s may not be asked what it is: %s", shown(url), problem)
        return ""
    if is_too_old(info):
        raise StoreError(
            f"the Redis at {shown(url)} is too old for a store",
            expected="{}.{} or newer".format(*OLDEST),
            got=version_of(info),
        )
    for fault in faults(info):
        log.warning("Redis at %s %s", shown(url), fault)
    return str(info.get("run_id", ""))


class Absences:
    """Counts how often a server went away, and tells it once each time; once more when it is back, but lets us not in.

    `meanwhile` says what that means for who listens.
    """

    def __init__(self, url: str, meanwhile: str) -> None:
        self.gone = self.stalled = 0
        self.meanwhile = meanwhile
        self._url = shown(url)
        self._refuses = False

    def note(self, problem: Exception, *, is_new: bool) -> None:
        """Take down what a command met; `is_new` when the server was there before it."""
        refuses = _is_refusal(problem)
        if is_new:
            self.stalled += isinstance(problem, Stalled)
            self.gone += not isinstance(problem, Stalled)
        if is_new or (refuses and not self._refuses):
            log.warning("Redis at %s is away: %s; %s", self._url, problem, self.meanwhile)
        self._refuses = refuses


def no_answer(url: str, problem: Exception) -> ConfigError | UnreachableError:
    """Give the error for who finds that a server does not answer, or does not let him in."""
    if _is_refusal(problem):
        return ConfigError(
            f"the Redis at {shown(url)} lets nobody in like this: {problem}",
            expected="its user and password in the URL, as redis://user:password@host",
        )
    return UnreachableError(f"Redis at {shown(url)} does not answer: {problem}")


def _is_refusal(problem: BaseException) -> bool:
    """Tell whether it is the password: the client wraps what a connection's greeting raised."""
    return isinstance(problem, AuthenticationError) or isinstance(problem.__cause__, AuthenticationError)
