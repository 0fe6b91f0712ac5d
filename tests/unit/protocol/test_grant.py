import pytest

from rtlab.protocol import OPEN, Grant


@pytest.mark.parametrize(
    ("channels", "allowed", "forbidden"),
    [
        (["*"], [("book", "A"), ("trades", "B")], []),
        (["book"], [("book", "A"), ("book", "B")], [("trades", "A")]),
        (["book/A"], [("book", "A")], [("book", "B"), ("trades", "A")]),
        (["*/A", "bars"], [("book", "A"), ("bars", "B")], [("book", "B")]),
        ([], [], [("book", "A"), ("", ""), ("*", "*")]),
        (["", "/"], [], [("book", "A")]),
    ],
)
def test_a_grant_allows_what_its_patterns_name_and_nothing_else(channels, allowed, forbidden):
    grant = Grant.of(channels)
    assert [pair for pair in allowed if not grant.allows(*pair)] == []
    assert [pair for pair in forbidden if grant.allows(*pair)] == []


def test_a_slash_in_an_instrument_belongs_to_the_instrument():
    assert Grant.of(["book/A/B"]).allows("book", "A/B")


def test_an_instrument_is_seen_by_who_may_have_anything_of_it():
    grant = Grant.of(["book/A", "trades/B"])
    assert [grant.sees(one) for one in "ABC"] == [True, True, False]
    assert OPEN.sees("C")


def test_a_grant_lowers_a_limit_and_never_raises_it():
    assert Grant.of(["*"], subscriptions=3).most(10) == 3
    assert Grant.of(["*"], subscriptions=30).most(10) == 10
    assert OPEN.most(10) == 10
