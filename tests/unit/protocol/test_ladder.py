from rtlab.protocol.ladder import LADDER, START, Event, Guard, Moves, State


def test_no_rule_leaves_the_end_and_every_other_state_has_a_way_there():
    assert all(State.EVICTED not in rule.states for rule in LADDER)
    for state in set(State) - {State.EVICTED}:
        ends = [rule for rule in LADDER if state in rule.states and rule.to is State.EVICTED]
        assert {rule.on for rule in ends} == {Event.TICK, Event.GIVEN_UP}


def test_every_state_is_reached_from_the_start_and_both_that_lag_lead_back():
    reached, before = {START}, set()
    while reached != before:
        before = set(reached)
        reached |= {rule.to for rule in LADDER if rule.to and reached & set(rule.states)}
    assert reached == set(State)
    (back,) = (rule for rule in LADDER if rule.to is State.LIVE)
    assert (set(back.states), back.when) == ({State.LAGGING, State.DEGRADED}, Guard.TRUSTED)


def test_a_full_transport_is_judged_before_anything_is_sent():
    sends = [n for n, rule in enumerate(LADDER) if rule.do.name.startswith(("SEND", "ASK"))]
    stops = [n for n, rule in enumerate(LADDER) if rule.when is Guard.PAUSED]
    assert max(stops) < min(sends)


def test_moves_are_counted_for_one_and_for_all():
    every = Moves()
    one, other = Moves(every), Moves(every)
    one.count(State.LIVE)
    one.count(State.LAGGING)
    other.count(State.LIVE)
    assert (one.into[State.LIVE], one.into[State.LAGGING], one.into[State.EVICTED]) == (1, 1, 0)
    assert every.into == {State.LIVE: 2, State.LAGGING: 1, State.DEGRADED: 0, State.EVICTED: 0}
