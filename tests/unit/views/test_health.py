import pytest
from support.looker import PaintingLooker, looking_at

from rtlab.errors import ConfigError
from rtlab.views.health import COUNTS, FROZEN_AFTER_MS, RECORDER, STATES, FeedHealth, Rate

S = 1_000_000_000


def told(**statistics: object) -> dict:
    health = FeedHealth()
    with looking_at(health) as looker:
        health.update(statistics, now=S)
        return looker.last(health.visual)


def test_a_rate_needs_two_totals() -> None:
    rate = Rate()
    assert rate(100, 0) is None
    assert rate(150, S) == 50


def test_a_rate_is_of_the_last_two_seconds() -> None:
    rate = Rate()
    for tick in range(100):
        rate(tick, tick * S // 10)  # 10 a second
    for tick in range(100, 130):
        got = rate(99 + (tick - 99) * 100, tick * S // 10)  # 1,000 a second
    assert got == pytest.approx(1000, rel=0.05)


def test_a_rate_remembers_no_more_than_it_needs() -> None:
    rate = Rate()
    for tick in range(10_000):
        rate(tick, tick * S // 30)
    assert len(rate._seen) < 70


def test_a_rate_after_a_long_silence_is_of_the_silence() -> None:
    rate = Rate()
    rate(0, 0)
    rate(100, S)
    assert rate(100, 100 * S) == 0


def test_a_total_that_begins_anew_makes_no_negative_rate() -> None:
    rate = Rate()
    rate(1000, 0)
    assert rate(5, S) is None
    assert rate(15, 2 * S) == 10


def test_two_totals_at_one_time_make_no_rate() -> None:
    rate = Rate()
    rate(1, S)
    assert rate(2, S) is None


def test_all_that_is_known_is_told() -> None:
    message = told(state="LIVE", lag_ms=1.5, staleness_ms=20, messages=7, **dict.fromkeys(COUNTS, 3))
    assert message == {
        "state": "live",
        "lag_ms": 1.5,
        "staleness_ms": 20,
        "messages_per_s": None,
        **dict.fromkeys(COUNTS, 3),
        **dict.fromkeys(RECORDER),
    }


def test_how_far_behind_the_recorder_is_is_told_where_something_is_recorded() -> None:
    message = told(state="live", recorder_lag_s=0.4, unrecorded=12)
    assert (message["recorder_lag_s"], message["unrecorded"]) == (0.4, 12)


def test_what_is_missing_is_told_as_missing() -> None:
    message = told(state="live")
    assert {message[name] for name in ("lag_ms", "staleness_ms", *COUNTS)} == {None}


def test_unknown_names_do_not_travel() -> None:
    assert "secret" not in told(state="live", secret="token")


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_taken_in_either_case(state: str) -> None:
    assert told(state=state.upper())["state"] == state


@pytest.mark.parametrize("state", ["", "odd", None, 3])
def test_an_unknown_state_is_refused_and_the_old_one_stays(state: object) -> None:
    health = FeedHealth()
    health.update({"state": "lagging"}, now=S)
    with pytest.raises(ConfigError, match="expected live, lagging"):
        health.update({"state": state}, now=2 * S)
    assert health.state == "lagging"


def test_statistics_without_a_state_are_of_a_live_feed() -> None:
    assert told(gaps=0)["state"] == "live"


def test_messages_become_a_rate() -> None:
    health = FeedHealth()
    looker = PaintingLooker(health)
    health.update({"messages": 100}, now=S)
    health.update({"messages": 200}, now=2 * S)
    health.beat.pace._due.clear()
    looker.paint()
    assert looker.last(health.visual)["messages_per_s"] == 100
    looker.leave()


def test_the_browser_knows_from_when_on_a_feed_is_frozen() -> None:
    # checked every 250 ms, painted at the next frame: visible within 2 s
    assert FeedHealth().visual.frozen_after_ms + 250 + 100 < 2000
    assert FROZEN_AFTER_MS >= 1000


def test_before_the_first_update_nothing_is_told() -> None:
    health = FeedHealth()
    with looking_at(health) as looker:
        looker.say(health.visual, {"ready": True})
        assert looker.messages(health.visual) == []
    assert health.state == "waiting"
    assert repr(health) == "FeedHealth(waiting)"


def test_a_browser_that_appears_is_told_the_newest() -> None:
    health = FeedHealth()
    health.update({"state": "lagging", "gaps": 2}, now=S)
    with looking_at(health) as looker:
        looker.say(health.visual, {"ready": True})
        assert looker.last(health.visual)["gaps"] == 2


def test_repr_tells_the_state_and_what_is_not_zero() -> None:
    health = FeedHealth()
    health.update({"state": "lagging", "lag_ms": 7, "gaps": 0, "dropped": 3}, now=S)
    assert repr(health) == "FeedHealth(lagging, lag_ms=7, dropped=3)"


def test_theme_reaches_the_browser() -> None:
    health = FeedHealth(theme="dark")
    health.theme = "light"
    assert health.visual.theme == "light"
