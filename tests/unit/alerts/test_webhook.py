import pytest
from support.hook import Hook
from support.rabbit import free_port

from rtlab.alerts import ALERTS, Alert, Webhook
from rtlab.alerts.webhook import WebhookError, checked
from rtlab.bus import Delivery
from rtlab.errors import ConfigError


def delivery(url):
    alert = Alert("r", "BTC-USD", "BTC-USD traded at 1: …", "1", url)
    return Delivery(ALERTS.name, "webhook", 0, 0, 0, "r-1", "k", 123, alert)


def test_an_alert_is_posted_as_json_with_its_id():
    webhook = Webhook()
    with Hook() as hook:
        webhook(delivery(hook.url))
    ((_, headers, body),) = hook.got
    assert headers["Idempotency-Key"] == "r-1"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "id": "r-1",
        "ts_event": 123,
        "symbol": "BTC-USD",
        "rule": "r",
        "text": "BTC-USD traded at 1: …",
        "value": "1",
    }
    assert webhook.statistics() == (1, 0)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_answer_is_no_answer(status):
    webhook = Webhook()
    with Hook(status) as hook, pytest.raises(WebhookError, match=rf"answered {status}: expected 2xx"):
        webhook(delivery(hook.url))
    assert len(hook.got) == 1  # a redirect is not followed
    assert webhook.statistics() == (0, 1)


def test_nobody_there_is_an_error_that_does_not_tell_what_is_secret_in_the_address():
    with pytest.raises(WebhookError, match=r"the webhook at 127\.0\.0\.1:\d+ cannot be reached") as told:
        Webhook()(delivery(f"http://me:hidden@127.0.0.1:{free_port()}/token"))
    assert "hidden" not in str(told.value)
    assert "token" not in str(told.value)


def test_who_has_no_webhook_is_left_alone():
    webhook = Webhook()
    webhook(delivery(""))
    assert webhook.statistics() == (0, 0)


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "file:///etc/passwd", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigError, match="webhook is no address"):
        checked(url)
