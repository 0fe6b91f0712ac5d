from hypothesis import given
from hypothesis import strategies as st

from rtlab.feed.budget import HIGH, LOOK_EVERY_NS, LOW, Budget, Held, victims
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


class Stalled:
    """A connection and its session in one that takes nothing: what it holds goes when it is given up."""

    state, idle_ns = State.LAGGING, 0

    def __init__(self, size, waiting=0):
        self.size, self.waiting_bytes, self.why = size, waiting, None

    def held(self):
        return self.size

    def give_up(self, why, now):
        self.why = why

    def write_due(self, now):
        assert self.why is not None
        self.size = self.waiting_bytes = 0


def test_what_is_added_between_two_looks_never_exceeds_the_limit_and_few_looks_are_needed():
    budget, readers, looks = Budget(1000), [Stalled(0) for _ in range(40)], 0
    for count in range(4000):
        reader = readers[count % 40]
        reader.size += 2
        if budget.grew(2):
            looks += 1
            budget.look([(one, one) for one in readers if one.why is None], 0)
        assert sum(one.size for one in readers if one.why is None) <= 1000
        readers = [Stalled(0) if one.why else one for one in readers]
    assert budget.given_up > 0
    assert looks <= 4000 * 2 / ((1 - HIGH) * 1000)


def test_what_readers_took_meanwhile_leaves_room_and_answers_that_wait_are_counted():
    budget, taken, waits = Budget(1000), Stalled(900), Stalled(0, waiting=300)
    assert not budget.grew(900)
    taken.size = 0
    assert budget.grew(300)
    budget.look([(taken, taken), (waits, waits)], 0)
    assert (budget.held, budget.given_up) == (300, 0)
    assert not budget.grew(700)
    waits.waiting_bytes = 951
    budget.look([(taken, taken), (waits, waits)], 0)
    assert (budget.held, budget.given_up) == (0, 1)
    assert "needs the memory" in waits.why


def test_it_is_due_ten_times_a_second():
    budget = Budget()
    assert budget.is_due(5)
    budget.look([], 5)
    assert not budget.is_due(4 + LOOK_EVERY_NS)
    assert budget.is_due(5 + LOOK_EVERY_NS)
