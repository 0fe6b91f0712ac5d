from rtlab.cli.bench import alerts


def test_every_alert_reaches_page_and_webhook_and_is_timed(monkeypatch):
    monkeypatch.setattr(alerts, "RATE", 500)
    told = list(alerts.rows(3))
    assert [result["name"] for result, _ in told] == ["alert to page, p99", "alert to webhook, p99"]
    for result, goal in told:
        assert 0 < result["min"] <= result["p50"] <= result["median"] <= result["max"]
        assert (goal["show"], goal["value"], goal["op"]) == (7, result["median"], "<=")
