from hypothesis import given
from hypothesis import strategies as st

from rtlab.feed.budget import LOW, Held, victims
from rtlab.protocol import State


def chosen(readers, limit):
    return victims([(name, Held(*held)) for name, held in readers.items()], limit)


def test_nobody_is_given_up_within_the_limit():
    assert chosen({"a": (60, State.DEGRADED, 9), "b": (40, State.LAGGING, 9)}, 100) == []


def test_the_degraded_go_before_the_lagging_before_the_live():
    readers = {"live": (50, State.LIVE, 9), "lags": (50, State.LAGGING, 5), "worst": (50, State.DEGRADED, 1)}
    assert chosen(readers, 149) == ["worst"]
    assert chosen(readers, 60) == ["worst", "lags", "live"]


def test_of_these_who_made_no_progress_for_longest_then_who_holds_most():
    readers = {
        "short": (10, State.LAGGING, 1),
        "long": (10, State.LAGGING, 3),
        "large": (30, State.LAGGING, 1),
    }
    assert chosen(readers, 49) == ["long", "large"]


def test_who_holds_nothing_is_kept():
    assert chosen({"empty": (0, State.DEGRADED, 99), "full": (10, State.LIVE, 0)}, 9) == ["full"]


HELD = st.tuples(
    st.integers(0, 1000), st.sampled_from([State.LIVE, State.LAGGING, State.DEGRADED]), st.integers(0, 9)
)


@given(st.lists(HELD, max_size=40), st.integers(1, 20_000))
def test_what_is_left_fits_with_a_margin_and_one_victim_less_would_not_do(held, limit):
    readers = dict(enumerate(held))
    gone = chosen(readers, limit)
    total = sum(size for size, _, _ in held)
    left = total - sum(readers[name][0] for name in gone)
    if total <= limit:
        assert gone == []
    else:
        assert left <= LOW * limit
        assert left + readers[gone[-1]][0] > LOW * limit
