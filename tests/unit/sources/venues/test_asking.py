from rtlab.sources.venues.asking import ANSWER_S, CAP_S, FIRST_S, Asking

S = 1_000_000_000


def test_the_first_question_is_due_at_once_and_one_is_out_at_a_time():
    asking = Asking()
    assert asking.is_due(0)
    asking.asked(0)
    assert not asking.is_due(1 * S)


def test_each_failure_doubles_the_wait_up_to_the_cap():
    asking, now, waits = Asking(), 0, []
    for _ in range(12):
        asking.failed(now)
        wait = next(ms for ms in range(0, 60_000, 10) if asking.is_due(now + ms * S // 1000)) / 1000
        waits.append(wait)
        now += int(wait * S)
    assert waits[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert waits[-1] == CAP_S


def test_what_the_venue_asks_for_is_waited_for():
    asking = Asking()
    asking.failed(0, retry_after_s=7.0)
    assert not asking.is_due(int(6.9 * S))
    assert asking.is_due(7 * S)
    asking.reset()  # another connection does not end the venue's pause
    assert not asking.is_due(int(6.9 * S))


def test_a_question_without_an_answer_is_lost_after_a_while():
    asking = Asking()
    asking.asked(0)
    assert not asking.is_due(int(ANSWER_S * S))
    assert not asking.is_due(int(ANSWER_S * S) + 1)  # it failed now
    assert asking.is_due(int((ANSWER_S + FIRST_S) * S) + 1)
    assert asking.tries == 1


def test_an_answer_begins_anew():
    asking = Asking()
    for _ in range(5):
        asking.failed(0)
    asking.done()
    assert (asking.is_due(0), asking.tries, asking.is_out) == (True, 0, False)
