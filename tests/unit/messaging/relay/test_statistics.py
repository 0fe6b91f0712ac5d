from rtlab.messaging.relay.statistics import NAMES, RelayStatistics
from rtlab.telemetry import exposition


def test_counts_are_all_that_is_not_a_state_of_now():
    assert RelayStatistics._fields == ("online", "waiting", *NAMES)


def test_they_are_exported_as_all_others():
    text = exposition({"relay": RelayStatistics(*range(14))}).decode()
    assert "rtlab_relay_stored" in text
    assert all(f"rtlab_relay_{name}" in text for name in RelayStatistics._fields)
