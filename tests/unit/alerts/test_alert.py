from rtlab.alerts import ALERTS, Alert, alerts_topic
from rtlab.alerts.alert import HOOK, PAGE


def test_each_alert_is_for_pages_and_for_webhooks():
    assert ALERTS.groups == (PAGE, HOOK)
    assert alerts_topic("desk-7").name == "desk-7"


def test_an_alert_travels_whole():
    alert = Alert("rule", "BTC-USD", "text", "1.5", "http://localhost/")
    assert ALERTS.read(ALERTS.event(alert, key="k")) == alert
