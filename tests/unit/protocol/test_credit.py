import pytest

from rtlab.errors import ProtocolError
from rtlab.protocol import Credit, Limits, State
from rtlab.protocol.ladder import LADDER, Action

MS = 1_000_000
KEY = 7


class Desk:
    """A link that has as many news as it is told, each `size` bytes, and notes what it is asked to do."""

    def __init__(self, size=100):
        self.size, self.waiting, self.seq = size, 0, 0
        self.sends, self.pings, self.moves = [], [], []

    def send_news(self, now):
        if not self.waiting:
            return 0
        self.waiting = 0
        self.seq += 1
        self.sends.append(now)
        return self.size

    def sent(self):
        return {KEY: (1, self.seq)}

    furthest = sent

    def ping(self, now):
        self.pings.append((len(self.pings) + 1, now))
        return len(self.pings)

    def moved(self, state, now):
        self.moves.append(state)


class Talk:
    """A desk and its credit, with a clock in ms and a reader that answers when it is told to."""

    def __init__(self, size=100, **limits):
        self.desk, self.now = Desk(size), 0
        self.credit = Credit(self.desk, Limits(**{"window_floor": 2048, **limits}), 0)
        self.tick()

    def tick(self, ms=0, *, news=False):
        self.now += ms * MS
        self.desk.waiting |= news
        self.credit.tick(self.now)

    def answer(self, after_ms=0, seq=None, nonce=None):
        self.now += after_ms * MS
        applied = {KEY: (1, self.desk.seq if seq is None else seq)}
        self.credit.answer(self.credit.nonce if nonce is None else nonce, applied, self.now)
        self.credit.tick(self.now)

    def quiet(self, ms):
        """Let time pass without news, each ping answered within 10 ms."""
        self.desk.waiting = 0
        for _ in range(ms // 10):
            self.tick(10)
            if self.credit.target is not None:
                self.answer(0)

    def live(self):
        self.answer(5)
        assert self.credit.state is State.LIVE
        return self


def test_it_starts_lagging_with_a_ping_and_one_batch_at_most():
    talk = Talk()
    assert talk.credit.state is State.LAGGING
    assert talk.desk.pings == [(1, 0)]
    for _ in range(5):
        talk.tick(1, news=True)
    assert talk.desk.sends == []
    assert len(talk.desk.pings) == 1


def test_the_first_answer_makes_it_live():
    talk = Talk()
    talk.answer(5)
    assert talk.desk.moves == [State.LIVE]
    assert not talk.credit.fell_behind


def test_live_sends_each_tick_while_the_window_lasts():
    talk = Talk(size=1500).live()
    for _ in range(5):
        talk.tick(1, news=True)
    # 4096 bytes of window: the third batch crosses it, the fourth has to wait
    assert len(talk.desk.sends) == 3
    assert talk.credit.unanswered == 4500
    assert talk.desk.waiting


def test_live_pings_at_half_the_window_or_after_a_heartbeat():
    talk = Talk(size=1100).live()
    talk.tick(1, news=True)
    assert len(talk.desk.pings) == 1
    talk.tick(1, news=True)
    assert len(talk.desk.pings) == 2
    talk.answer(1)
    talk.tick(998)
    assert len(talk.desk.pings) == 2
    talk.tick(1)
    assert len(talk.desk.pings) == 3


def test_an_answer_frees_what_was_out_when_it_was_asked():
    talk = Talk(size=2100).live()
    talk.tick(1, news=True)  # 2100 out, asked
    talk.tick(1, news=True)
    assert talk.credit.unanswered == 4200
    talk.answer(1)
    assert talk.credit.unanswered == 2100


def test_the_window_doubles_when_half_of_it_was_used_and_the_answer_was_quick():
    talk = Talk(size=2100).live()
    sizes = []
    for _ in range(30):
        talk.tick(1, news=True)
        talk.answer(1)
        talk.desk.size = min(70_000, 2 * talk.desk.size)
        sizes.append(talk.credit.window)
    assert sizes[0] == 8192
    assert sizes[-1] == 65536 == max(sizes)


def test_the_window_does_not_grow_by_slow_answers_or_small_use():
    talk = Talk(size=2100).live()
    talk.tick(1, news=True)
    talk.answer(140)
    assert talk.credit.window == 4096
    talk = Talk(size=100).live()
    talk.tick(1001, news=True)
    talk.answer(1)
    assert talk.credit.window == 4096


def test_an_answer_later_than_the_best_and_the_slack_makes_it_lagging():
    talk = Talk(size=2100).live()
    talk.tick(1, news=True)
    talk.tick(255)
    assert talk.credit.state is State.LIVE
    talk.tick(1)
    assert talk.credit.state is State.LAGGING
    assert talk.credit.window == 2048
    assert talk.credit.fell_behind
    assert talk.credit.lag(talk.now) == 256 * MS


def test_the_patience_knows_the_way_not_the_speed():
    talk = Talk(size=2100)
    talk.answer(400)
    for _ in range(10):
        talk.tick(1, news=True)
        talk.answer(500)
    assert talk.credit.state is State.LIVE
    assert talk.credit.patience() == 650 * MS


def test_patience_forgets_round_trips_beyond_the_last_few():
    talk = Talk(size=70_000, round_trips=3).live()
    for took in (100, 200, 300):
        talk.tick(1, news=True)
        talk.answer(took)
    assert talk.credit.patience() == 350 * MS


def lagging(**limits):
    talk = Talk(size=2100, **limits).live()
    talk.tick(1, news=True)
    talk.tick(300, news=True)
    assert talk.credit.state is State.LAGGING
    return talk


def test_lagging_waits_for_the_answer_then_sends_one_batch_and_a_ping():
    talk = lagging()
    assert len(talk.desk.sends) == 1
    talk.answer(10)
    assert len(talk.desk.sends) == 2
    assert len(talk.desk.pings) == 3
    talk.tick(1, news=True)
    assert len(talk.desk.sends) == 2


def test_lagging_without_news_pings_by_the_heartbeat():
    talk = lagging()
    talk.desk.waiting = 0
    talk.answer(10)
    pings = len(talk.desk.pings)
    talk.tick(600)
    assert len(talk.desk.pings) == pings
    talk.tick(100)
    assert len(talk.desk.pings) == pings + 1


def test_a_few_prompt_answers_in_a_row_bring_it_back():
    talk = lagging(relapse_s=0)
    answers = 0
    while talk.credit.state is State.LAGGING:
        talk.tick(1, news=True)
        talk.answer(5)
        answers += 1
    assert answers == 4  # the late one, then three


def test_a_late_answer_starts_the_count_again():
    talk = lagging(relapse_s=0)
    for took in (5, 5, 5, 400, 5, 5):
        talk.tick(1, news=True)
        talk.answer(took)
    assert talk.credit.state is State.LAGGING
    talk.tick(1, news=True)
    talk.answer(5)
    assert talk.credit.state is State.LIVE


def relapse(talk):
    while talk.credit.state is not State.LIVE:
        talk.tick(1, news=True)
        talk.answer(5)
    while talk.credit.state is State.LIVE:
        talk.tick(100, news=True)
    return talk.credit.need


def test_a_quick_relapse_doubles_what_is_needed_up_to_a_bound():
    talk = lagging()
    assert [relapse(talk) for _ in range(6)] == [12, 24, 48, 48, 48, 48]


def test_a_late_relapse_asks_for_no_more_than_at_first():
    talk = lagging()
    while talk.credit.state is not State.LIVE:
        talk.tick(1, news=True)
        talk.answer(5)
    talk.quiet(31_000)
    assert relapse(talk) == 3


def test_a_partial_answer_is_asked_again_with_the_same_target_and_clock():
    talk = Talk(size=2100).live()
    talk.tick(1, news=True)
    asked, target = talk.now, dict(talk.credit.target)
    talk.answer(1, seq=0)
    assert talk.credit.target == target
    talk.tick(98)
    assert len(talk.desk.pings) == 2
    talk.tick(5)
    assert len(talk.desk.pings) == 3
    assert talk.credit.target == target
    talk.answer(1)
    assert talk.credit.target is None
    assert talk.credit.round_trips[-1] == talk.now - asked


def test_answers_to_older_questions_do_not_count():
    talk = Talk(size=2100).live()
    talk.tick(1, news=True)
    talk.answer(1, nonce=1)
    assert talk.credit.target is not None
    for nonce in (0, -1, 99):
        talk.answer(0, nonce=nonce)
    assert talk.credit.target is not None
    talk.answer(0)
    assert talk.credit.target is None


def test_no_answer_for_long_evicts():
    talk = Talk(size=2100, evict_after_s=3).live()
    talk.tick(1, news=True)
    talk.tick(3000)
    assert talk.credit.state is State.LAGGING
    talk.tick(1)
    assert talk.credit.state is State.EVICTED
    sends, pings = len(talk.desk.sends), len(talk.desk.pings)
    talk.tick(100, news=True)
    talk.answer(1)
    assert (len(talk.desk.sends), len(talk.desk.pings)) == (sends, pings)
    assert talk.credit.state is State.EVICTED


def test_progress_by_partial_answers_is_enough_to_stay():
    talk = Talk(size=100, evict_after_s=3, window_floor=4000).live()
    for _ in range(10):
        talk.tick(0, news=True)
    talk.tick(1001)
    for seq in range(1, 9):
        talk.answer(2000, seq=seq)
    assert talk.credit.state is State.DEGRADED
    talk.tick(3001)
    assert talk.credit.state is State.EVICTED


def test_a_pause_stops_everything_and_for_long_evicts():
    talk = Talk(size=100, evict_after_s=3).live()
    talk.credit.pause(talk.now)
    talk.tick(1, news=True)
    assert talk.credit.state is State.LAGGING
    assert talk.desk.sends == []
    talk.tick(2000)
    talk.credit.pause(talk.now)  # says nothing new
    talk.tick(1000)
    assert talk.credit.state is State.EVICTED


def test_after_a_pause_the_merged_news_go_out_at_once():
    talk = Talk(size=100).live()
    talk.credit.pause(talk.now)
    talk.tick(50, news=True)
    talk.credit.resume(talk.now)
    talk.tick(1)
    assert len(talk.desk.sends) == 1
    assert len(talk.desk.pings) == 2


def test_a_claim_beyond_what_was_sent_is_the_readers_fault():
    talk = Talk(size=100).live()
    talk.tick(1, news=True)
    for point in ((1, 2), (2, 0)):
        with pytest.raises(ProtocolError, match="claims to have applied more of key 7") as wrong:
            talk.credit.answer(talk.credit.nonce, {KEY: point}, talk.now)
        assert wrong.value.code == 4002


def test_a_claim_about_an_unknown_key_is_passed_over():
    talk = Talk(size=2100).live()
    talk.tick(1, news=True)
    talk.credit.answer(talk.credit.nonce, {KEY: (1, 1), 99: (5, 5)}, talk.now)
    assert talk.credit.target is None


def test_a_forgotten_key_is_not_waited_for():
    talk = Talk(size=2100).live()
    talk.tick(1, news=True)
    talk.credit.forget(KEY)
    talk.credit.answer(talk.credit.nonce, {}, talk.now)
    assert talk.credit.target is None
    talk.credit.forget(KEY)


def test_bytes_beside_the_news_use_the_window_too():
    talk = Talk(size=100).live()
    talk.credit.count(5000)
    talk.tick(1, news=True)
    assert talk.desk.sends == []


def test_the_pace_is_what_the_last_answer_was_for():
    talk = Talk(size=3000).live()
    talk.tick(0, news=True)
    talk.answer(500)
    assert talk.credit.pace == 6000


def test_it_has_fallen_behind_until_it_keeps_up_again():
    talk = lagging(relapse_s=0)
    while talk.credit.state is not State.LIVE:
        talk.tick(1, news=True)
        talk.answer(5)
    assert talk.credit.fell_behind
    talk.quiet(3000)
    assert talk.credit.unanswered == 0
    assert not talk.credit.fell_behind


def test_it_has_fallen_behind_when_the_window_is_full_and_the_answers_are_late():
    talk = Talk(size=2100).live()
    for took in (1, 1):
        talk.tick(1, news=True)
        talk.answer(took)
    talk.desk.size = 20_000
    talk.tick(1, news=True)
    talk.tick(1, news=True)  # has to wait
    talk.answer(200)
    assert talk.credit.state is State.LIVE
    assert talk.credit.fell_behind


def test_a_full_window_with_quick_answers_grows_and_is_not_behind():
    talk = Talk(size=5000).live()
    for _ in range(3):
        talk.tick(1, news=True)
        talk.tick(1, news=True)  # has to wait
        talk.answer(5)
        talk.desk.size *= 2
    assert talk.credit.window == 8 * 4096
    assert not talk.credit.fell_behind


def degraded(**limits):
    talk = lagging(**limits)
    for _ in range(6):  # late each time
        talk.tick(450, news=True)
        talk.tick(450, news=True)
        talk.answer(0)
    assert talk.credit.state is State.DEGRADED
    return talk


def test_lagging_for_long_is_degraded_and_told():
    talk = degraded()
    assert talk.desk.moves == [State.LIVE, State.LAGGING, State.DEGRADED]
    assert [talk.credit.moves.into[state] for state in State] == [1, 1, 1, 0]


def test_degraded_gets_a_batch_only_after_the_interval_though_it_answers_at_once():
    talk = degraded(degraded_interval_s=0.5, need=100)
    talk.tick(600, news=True)
    talk.answer(1)
    sends = len(talk.desk.sends)
    for _ in range(100):
        talk.tick(5, news=True)
        talk.answer(5)
    assert len(talk.desk.sends) - sends == 2


def test_degraded_comes_back_by_prompt_answers():
    talk = degraded(relapse_s=0)
    sends = len(talk.desk.sends)
    while talk.credit.state is State.DEGRADED:
        if talk.credit.target is None:
            talk.tick(600, news=True)
        talk.answer(5)
    assert talk.credit.state is State.LIVE
    assert len(talk.desk.sends) - sends <= 4  # `need`, and the one that made it live


def test_who_is_given_up_is_evicted_at_once_whatever_its_state():
    for talk in (Talk(), Talk().live(), lagging(), degraded()):
        talk.credit.give_up(talk.now)
        assert talk.credit.state is State.EVICTED
        sends = len(talk.desk.sends)
        talk.tick(1, news=True)
        assert len(talk.desk.sends) == sends


def test_idle_is_the_time_without_progress_that_was_owed():
    talk = Talk(size=100).live()
    talk.tick(500)
    assert talk.credit.idle(talk.now) == 0
    talk.tick(501)
    talk.tick(300)
    assert talk.credit.idle(talk.now) == 300 * MS
    assert talk.credit.answer_by() == talk.now - 300 * MS + talk.credit.patience()


def test_only_who_is_live_with_nothing_to_make_up_for_is_steady():
    talk = Talk(size=2100).live()
    assert talk.credit.steady
    talk.credit.pause(talk.now)
    assert not talk.credit.steady
    assert not lagging().credit.steady


def test_news_that_waited_for_the_window_mark_nobody_without_the_rule_for_it():
    without = tuple(rule for rule in LADDER if rule.do is not Action.HOLD_BACK)
    for ladder, behind in ((LADDER, True), (without, False)):
        talk = Talk(size=20_000)
        talk.credit = Credit(talk.desk, talk.credit.limits, 0, ladder=ladder)
        talk.tick()
        talk.answer(1)
        talk.tick(1, news=True)
        talk.tick(1, news=True)
        talk.answer(200)
        assert talk.credit.fell_behind is behind
