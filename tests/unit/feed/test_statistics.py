from typing import get_type_hints

from rtlab.feed import ConnectionStatistics, GatewayStatistics
from rtlab.protocol import SubscriberStatistics
from rtlab.telemetry import exposition


def test_every_number_of_a_gateway_can_be_scraped():
    statistics = GatewayStatistics(*range(len(GatewayStatistics._fields)))
    lines = exposition({"feed": statistics}).decode().splitlines()
    shown = {line.split()[0] for line in lines if line and not line.startswith("#")}
    assert shown == {f"rtlab_feed_{name}" for name in GatewayStatistics._fields}


def test_statistics_of_a_gateway_are_plain_numbers():
    assert set(get_type_hints(GatewayStatistics).values()) <= {int, float}


def test_statistics_of_a_reader_hold_those_of_its_subscriber():
    assert get_type_hints(ConnectionStatistics)["subscriber"] is SubscriberStatistics
