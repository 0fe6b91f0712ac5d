import pytest

from rtlab.sources.venues.trust import STALE_AFTER_S, Trust, TrustState

S = 1_000_000_000
LONG = int(STALE_AFTER_S * S)


def live(at=0):
    trust = Trust("X")
    trust.synced(at)
    return trust


def test_a_book_waits_until_its_first_snapshot_and_is_then_live():
    trust = Trust("X")
    assert (trust.state, trust.is_shown, trust.reason) == (TrustState.WAITING, False, "no snapshot came yet")
    trust.proved(1)
    trust.beat(2)
    assert trust.state is TrustState.WAITING  # nothing to prove
    trust.synced(3)
    assert (trust.state, trust.is_shown, trust.reason, trust.resyncs) == (TrustState.LIVE, True, "", 1)


@pytest.mark.parametrize("proof", ["proved", "beat"])
def test_each_proof_prolongs_the_trust(proof):
    trust = live()
    getattr(trust, proof)(LONG)
    assert not trust.is_over(2 * LONG)
    assert trust.is_over(2 * LONG + 1)


def test_silence_makes_a_book_stale_once_and_any_proof_makes_it_live_again():
    trust = live()
    assert not trust.is_over(LONG)
    assert trust.is_over(LONG + 1)
    assert trust.sight() == ("X", "stale", "the venue said nothing for 1.5 s", 0, 0, 0, 1, 1)
    assert not trust.is_over(3 * LONG)
    trust.beat(3 * LONG)
    assert (trust.state, trust.is_shown) == (TrustState.LIVE, True)


def test_a_broken_book_is_held_until_its_time_is_over_and_no_beat_helps():
    trust = live()
    trust.broke("a hole")
    assert (trust.state, trust.is_shown, trust.in_step) == (TrustState.HELD, True, False)
    trust.beat(S)
    trust.proved(S)
    assert trust.is_over(LONG + 1)
    assert (trust.state, trust.reason) == (TrustState.STALE, "a hole")
    trust.synced(2 * LONG)
    assert (trust.state, trust.resyncs, trust.staled) == (TrustState.LIVE, 2, 1)


def test_a_suspected_book_needs_a_check_of_itself():
    trust = live()
    trust.suspect("something was lost")
    trust.beat(LONG)
    assert trust.is_over(LONG + 1)
    assert trust.reason == "something was lost"
    other = live()
    other.suspect("something was lost")
    other.proved(LONG)
    assert not other.is_suspected
    assert not other.is_over(2 * LONG)


def test_who_is_out_of_step_cannot_be_suspected_further():
    trust = live()
    trust.broke("a hole")
    trust.suspect("something was lost")
    assert (trust.reason, trust.is_suspected) == ("a hole", False)
