import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.client.addresses import MOVE_S, Addresses, check_url, shown
from rtlab.client.backoff import CAP_S, FIRST_S
from rtlab.errors import ConfigError

ONE, TWO, THREE = "ws://one.example", "ws://two.example", "wss://three.example"
SECOND = 1_000_000_000


@pytest.mark.parametrize("url", ["ws://localhost:8765", "wss://feed.example:443/", "ws://[::1]:80"])
def test_the_address_of_a_feed_is_given_back(url):
    assert check_url(url) == url


@pytest.mark.parametrize("url", ["", "localhost:8765", "http://localhost:8765", "ws://", "ws://host:port"])
def test_anything_else_is_a_config_error_that_shows_the_form(url):
    with pytest.raises(ConfigError, match="ws://host:port"):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("localhost:8765", "ws://localhost:8765"),
        ("127.0.0.1:8765", "ws://127.0.0.1:8765"),
        ("http://localhost:8765/", "ws://localhost:8765/"),
        ("https://feed.example", "wss://feed.example"),
    ],
)
def test_what_lacks_only_its_scheme_is_told_the_whole(url, meant):
    with pytest.raises(ConfigError, match=rf"\(did you mean {meant}\?\)"):
        check_url(url)
    with pytest.raises(ConfigError, match="a feed: expected"):
        check_url("me:secret@host")


def test_who_names_no_address_is_told():
    with pytest.raises(ConfigError, match="at least one"):
        Addresses([])


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("ws://me:secret@host:1/path?token=secret", "ws://host:1/path"),
        ("wss://host", "wss://host"),
        ("ws://host?secret", "ws://host"),
        ("me:secret@host", "host"),
    ],
)
def test_user_password_and_query_are_not_shown(url, seen):
    assert shown(url) == seen


def test_one_address_waits_for_its_backoff_and_its_hint():
    addresses = Addresses(ONE, seed=1)
    assert addresses.gone(0) <= FIRST_S
    assert 5.0 <= addresses.gone(0, 5.0) <= 10.0
    assert (addresses.url, addresses.tries) == (ONE, 2)


@given(seed=st.integers(), hint=st.floats(1, 60))
def test_who_loses_one_of_several_goes_to_the_next_soon_and_not_all_at_once(seed, hint):
    addresses = Addresses([ONE, TWO], seed=seed)
    assert 0 <= addresses.gone(0, hint) <= MOVE_S
    assert addresses.url == TWO


def test_readers_of_a_dead_gateway_spread_over_the_time_they_have():
    waits = [Addresses([ONE, TWO], seed=seed).gone(0) for seed in range(1000)]
    assert max(sum(start <= w < start + 0.05 for w in waits) for start in waits) < 180
    assert max(waits) > 0.9 * MOVE_S


def test_the_hint_of_one_is_kept_while_the_others_are_tried():
    addresses = Addresses([ONE, TWO], seed=3)
    addresses.gone(0, 5.0)
    now, tried = 0, []
    while addresses.url != ONE:
        tried.append(addresses.url)
        now += round(addresses.gone(now) * SECOND) + 1
    assert set(tried) == {TWO}
    assert now >= 5 * SECOND


def test_all_of_several_are_tried_in_turn():
    addresses, seen = Addresses([ONE, TWO, THREE], seed=1), []
    for _ in range(3):
        seen.append(addresses.url)
        addresses.gone(0)
    assert seen == [ONE, TWO, THREE]


@given(seed=st.integers(), rounds=st.integers(1, 60))
def test_with_all_dead_each_is_tried_ever_more_rarely(seed, rounds):
    addresses, now, last = Addresses([ONE, TWO], seed=seed), 0, {}
    for _ in range(rounds):
        wait = addresses.gone(now)
        assert 0 <= wait <= CAP_S
        now += round(wait * SECOND)
        assert now >= last.get(addresses.url, 0)
        last[addresses.url] = now
    assert addresses.tries == rounds


def test_an_answer_begins_the_tries_anew_everywhere():
    addresses = Addresses([ONE, TWO], seed=1)
    for _ in range(9):
        addresses.gone(0)
    addresses.answered()
    assert addresses.tries == 0
    assert len(addresses) == 2
