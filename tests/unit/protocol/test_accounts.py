import numpy as np
import pytest

from rtlab.protocol import Credit, Limits
from rtlab.protocol.accounts import BYTES_PER_ROW, FEWEST_ROWS, Accounts, Question
from rtlab.protocol.ladder import State
from rtlab.protocol.pulse import Pulse

MS = 1_000_000
LIMITS = Limits()


class Desk:
    """A Link that only numbers its pings."""

    def __init__(self):
        self.asked = 0

    def send_news(self, now):
        return 0

    def sent(self):
        return {1: (1, 7)}

    furthest = sent

    def ping(self, now):
        self.asked += 1
        return self.asked

    def moved(self, state, now):
        pass


def live_credit(now=0):
    credit = Credit(Desk(), LIMITS, now)
    credit.tick(now)
    credit.answer(1, {1: (1, 7)}, now + 5 * MS)
    assert credit.state is State.LIVE
    return credit


HERE = 5  # the number of a cohort


def parted(accounts, slots, rows, now):
    may, may_not = accounts.sendable(np.array(slots), HERE, rows, now)
    return may.tolist(), may_not.tolist()


def books(count, now=5 * MS, pings_per_s=1000):
    accounts = Accounts(Pulse(LIMITS, pings_per_s))
    accounts.grow(count)
    credits = [live_credit() for _ in range(count)]
    for slot, credit in enumerate(credits):
        accounts.take(slot, credit)
    accounts.of[:] = HERE
    return accounts, credits


@pytest.mark.parametrize("size", [0, 1, 3000])
def test_a_credit_that_was_asked_in_a_column_is_as_one_that_asked_itself(size):
    now = 2000 * MS
    accounts, (one,) = books(1)
    other = live_credit()
    accounts.unanswered[0] += size
    other.unanswered += size
    accounts.asked(np.array([0]), Question(2, now, other.link.sent()))
    accounts.give(0, one)
    other.ask(now)
    both = [{k: v for k, v in vars(c).items() if k not in ("link", "moves", "_pulse")} for c in (one, other)]
    assert both[0] == both[1]
    accounts.take(0, one)
    late = other.answer_by() + 1
    assert parted(accounts, [0], None, late - 1) == ([0], [])
    assert parted(accounts, [0], None, late) == ([], [0])


def test_an_account_is_told_once():
    accounts, (credit,) = books(1)
    accounts.asked(np.array([0]), Question(2, 2000 * MS, {1: (1, 7)}))
    accounts.give(0, credit)
    credit.answer(2, {1: (1, 7)}, 2001 * MS)
    accounts.take(0, credit)
    accounts.give(0, credit)
    assert credit.target is None


def test_who_is_sent_to_has_room_for_the_rows():
    accounts, credits = books(3)
    window = credits[0].window
    accounts.unanswered[:] = 0, window - 1, window
    assert parted(accounts, [0, 1, 2], 0, 10 * MS) == ([0, 1], [2])
    assert parted(accounts, [0, 1, 2], window // BYTES_PER_ROW, 10 * MS) == ([0], [1, 2])
    assert parted(accounts, [0, 1, 2], FEWEST_ROWS, 10 * MS) == ([0, 1], [2])
    assert parted(accounts, [0, 1, 2], None, 10 * MS) == ([0, 1, 2], [])  # nothing is sent: no room is needed


def test_who_went_elsewhere_is_neither_sent_to_nor_sent_away():
    accounts, _ = books(3)
    accounts.of[1] = HERE + 1
    assert parted(accounts, [0, 1, 2], 0, 10 * MS) == ([0, 2], [])


def test_who_is_sent_to_goes_over_and_owes_the_bytes():
    accounts, _ = books(3)
    before = accounts.unanswered.tolist()
    accounts.sent(np.array([0, 2]), HERE + 1, 100)
    assert accounts.of[:3].tolist() == [HERE + 1, HERE, HERE + 1]
    assert accounts.unanswered.tolist() == [before[0] + 100, before[1], before[2] + 100]


def test_a_nearly_full_window_is_asked_at_once_and_the_others_in_their_turn():
    accounts, credits = books(4, pings_per_s=20)
    window = credits[0].window
    accounts.unanswered[:] = window * 3 // 4, window // 2, 0, window // 2 - 1
    slots = np.arange(4)
    assert accounts.due(slots, 500 * MS).tolist() == [0, 1]
    asked = accounts.due(slots, 1006 * MS)  # the pulse allows one more; the others wait
    assert asked.tolist()[0] == 0
    assert len(asked) == 2
    accounts.asked(slots, Question(2, 1006 * MS, {}))
    assert not len(accounts.due(slots, 1007 * MS))
