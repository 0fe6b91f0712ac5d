import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.alerts import Loss, Price, Sight, Silence, Spread, rule_for
from rtlab.book import TickerRow
from rtlab.errors import ConfigError, GridError
from rtlab.model import Instrument

BTC = Instrument("BTC-USD", "0.5", "0.001")


def at(last=None, bid=None, ask=None):
    return Sight(TickerRow(last=last, bid=bid, ask=ask))


def test_a_price_is_told_once_when_it_gets_there_and_again_after_it_was_away():
    rule = Price(BTC, above="100")
    said = [rule.look(at(ticks)) for ticks in (None, 199, 200, 205, 199, 200)]
    assert [one.value if one else None for one in said] == [None, None, "100.0", None, None, "100.0"]
    assert said[2].text == "BTC-USD traded at 100.0 (last price at or above 100.0)"


def test_a_price_that_is_there_already_is_told_at_the_first_look():
    rule = Price(BTC, below=100)
    assert rule.look(at(150)).text == "BTC-USD traded at 75.0 (last price at or below 100.0)"
    assert repr(rule) == "BTC-USD: last price at or below 100.0"


@given(st.lists(st.integers(0, 20), max_size=50), st.integers(1, 19))
def test_it_speaks_at_every_way_up_and_never_else(path, line):
    rule = Price(BTC, above=BTC.price(line))
    spoke = [rule.look(at(ticks)) is not None for ticks in path]
    before = [False, *(ticks >= line for ticks in path)]
    assert spoke == [now >= line and not was for now, was in zip(path, before, strict=False)]


def test_a_spread_needs_both_sides():
    rule = Spread(BTC, "1.5")
    looks = (
        at(bid=10),
        at(bid=10, ask=12),
        at(bid=10, ask=13),
        at(bid=9, ask=13),
        at(ask=13),
        at(bid=1, ask=9),
    )
    said = [rule.look(sight) for sight in looks]
    assert [one.value if one else None for one in said] == [None, None, "1.5", None, None, "4.0"]


def test_silence_is_told_once_until_something_is_heard():
    rule = Silence(BTC, 2)
    said = [rule.look(Sight(silent_s=s)) for s in (-1.0, 1.9, 2.0, 60.0, 0.0, 2.5)]
    assert [bool(one) for one in said] == [False, False, True, False, False, True]
    assert said[2].text == "BTC-USD may be stale: nothing heard of the feed for 2 s"


def test_each_new_loss_is_told_but_not_those_of_before():
    rule = Loss(BTC)
    said = [rule.look(Sight(losses=n)) for n in (3, 3, 4, 6, 6)]
    assert [one.value if one else None for one in said] == [None, None, "1", "2", None]


def test_a_line_between_two_ticks_is_an_error_of_the_caller():
    with pytest.raises(GridError, match=r"BTC-USD: price is off the grid.*0\.5.*100\.25"):
        Price(BTC, above="100.25")


@pytest.mark.parametrize(
    ("asked", "got"),
    [({}, "none"), ({"above": 1, "spread": 1}, "above, spread"), ({"above": 1, "below": 2}, "above, below")],
)
def test_one_condition_is_needed(asked, got):
    with pytest.raises(ConfigError, match=f"one condition.*got {got}"):
        rule_for(BTC, **asked)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [({"above": 0}, Price), ({"spread": 1}, Spread), ({"silent": 0.5}, Silence), ({"gap": True}, Loss)],
)
def test_each_condition_has_its_rule(asked, kind):
    assert type(rule_for(BTC, **asked)) is kind


def test_a_spread_off_the_grid_is_called_a_spread():
    with pytest.raises(GridError, match=r"BTC-USD: spread is off the grid.*0\.5.*0\.3"):
        Spread(BTC, 0.3)
    with pytest.raises(GridError, match="the caller's spread is not a number"):
        Spread(BTC, "wide")


@pytest.mark.parametrize("asked", [{"spread": 0}, {"silent": 0}, {"silent": float("nan")}, {"silent": "5s"}])
def test_a_rule_that_always_holds_is_refused(asked):
    with pytest.raises(ConfigError, match="makes no alert"):
        rule_for(BTC, **asked)
