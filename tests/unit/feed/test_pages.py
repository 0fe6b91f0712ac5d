import json

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.markets import HandMarket
from websockets.datastructures import Headers
from websockets.http11 import Request

from rtlab.feed.admission import Admission
from rtlab.feed.http import answer
from rtlab.feed.pages import pages


class Served:
    """A gateway as its pages see it."""

    def __init__(self, market) -> None:
        self.market, self.unready, self.uptime_s, self.ending = market, None, 1.23456, False

    def groups(self):
        return {"feed": Admission().statistics(), "the store": Admission().statistics()}


@pytest.fixture
def served():
    return Served(HandMarket())


def get(served, path):
    response = answer(pages(served), Request(path, Headers()))
    return response.status_code, response.headers["Content-Type"], response.body


def test_health_tells_how_it_is_and_all_that_is_counted(served):
    status, kind, body = get(served, "/health")
    health = json.loads(body)
    assert (status, kind) == (200, "application/json")
    assert (health["status"], health["uptime_s"], health["visits"]) == ("serving", 1.235, 0)
    assert health["instruments"] == sorted(served.market.instruments)
    assert health["the store"]["paced"] == 0


def test_ready_says_why_not(served):
    assert json.loads(get(served, "/ready")[2]) == {"ready": True, "why": None}
    served.unready = "it is ending"
    status, _, body = get(served, "/ready")
    assert (status, json.loads(body)) == (503, {"ready": False, "why": "it is ending"})
    assert json.loads(get(served, "/health")[2])["status"] == "serving"
    served.ending = True
    assert json.loads(get(served, "/health")[2])["status"] == "ending"


def test_metrics_can_be_scraped(served):
    status, kind, body = get(served, "/metrics")
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    assert {"rtlab_feed_visits", "rtlab_the_store_paced"} <= names


def test_the_wire_is_described_for_people_and_programs(served):
    assert get(served, "/wire")[1].startswith("text/markdown")
    assert json.loads(get(served, "/wire.json")[2])
