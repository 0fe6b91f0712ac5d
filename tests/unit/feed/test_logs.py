import logging

import pytest

from rtlab.feed.logs import LOG, WIRE, tell


class Peer:
    """Counts how often it is asked for its address."""

    asked = 0

    def address(self) -> str:
        self.asked += 1
        return "127.0.0.1:1"


def test_an_event_has_the_address_and_its_fields(caplog):
    with caplog.at_level(logging.INFO, "rtlab.feed"):
        tell(logging.INFO, "left", Peer(), code=4008)
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("rtlab.feed", "left")
    assert record.rtlab_fields == {"address": "127.0.0.1:1", "code": 4008}


def test_what_is_not_logged_costs_nothing():
    peer = Peer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LOG, "level", logging.WARNING)
        LOG.manager._clear_cache()
        tell(logging.INFO, "left", peer)
    LOG.manager._clear_cache()
    assert peer.asked == 0


def test_the_library_never_shows_requests():
    assert not WIRE.isEnabledFor(logging.DEBUG)
