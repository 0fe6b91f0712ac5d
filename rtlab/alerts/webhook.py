"""Tells alerts to addresses of the web, as handler of a group of the bus: POST of JSON, again until it is taken.

The body is `{"id", "ts_event", "symbol", "rule", "text", "value"}`. An alert may come twice (its answer was lost): it
then has the same `Idempotency-Key`, its id.
"""

import json
import urllib.error
import urllib.request
from typing import NamedTuple
from urllib.parse import urlsplit

from rtlab.alerts.alert import Alert
from rtlab.bus import Delivery
from rtlab.errors import ConfigError, RemoteError

TIMEOUT_S = 5.0


class WebhookError(RemoteError):
    """A webhook did not take an alert."""


class WebhookStatistics(NamedTuple):
    """Alerts that webhooks took, and tries that they did not."""

    told: int
    failed: int


def checked(url: str) -> str:
    """Give the address of a webhook; ConfigError when nothing could be posted there."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("the caller's webhook is no address", expected="http:// or https://", got=url)
    return url


class Webhook:
    """The handler. It raises WebhookError where the other side does not answer with a 2xx within TIMEOUT_S."""

    def __init__(self) -> None:
        self._told = self._failed = 0
        self._open = urllib.request.build_opener(_Straight()).open

    def __call__(self, delivery: Delivery[Alert]) -> None:
        """Post one alert, unless it has no webhook."""
        alert = delivery.body
        if not alert.webhook:
            return
        host = urlsplit(alert.webhook).netloc.rpartition("@")[2]
        try:
            with self._open(_request(delivery), timeout=TIMEOUT_S):
                self._told += 1
        except urllib.error.HTTPError as problem:
            self._failed += 1
            with problem:
                raise WebhookError(f"the webhook at {host} answered {problem.code}", expected="2xx") from None
        except OSError as problem:  # no connection, no name, no answer in time
            self._failed += 1
            raise WebhookError(f"the webhook at {host} cannot be reached: {problem}") from problem

    def statistics(self) -> WebhookStatistics:
        """Count since the beginning, of this process."""
        return WebhookStatistics(self._told, self._failed)


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: who was told the address meant that one."""

    def redirect_request(self, *_: object) -> None:
        return None


def _request(delivery: Delivery[Alert]) -> urllib.request.Request:
    alert = delivery.body
    said = {name: getattr(alert, name) for name in ("symbol", "rule", "text", "value")}
    body = json.dumps({"id": delivery.id, "ts_event": delivery.ts_event, **said}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": delivery.id, "User-Agent": "rtlab"}
    return urllib.request.Request(checked(alert.webhook), body, headers, method="POST")
