"""From any moment, in any batches, at any piece size, a session says the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.session import BEGIN_NS, STEP_NS, again, session, with_hole

from rtlab.book import Market
from rtlab.lab import session as module
from rtlab.lab.analysed import analysed, bring_on, digest
from rtlab.lab.session import RecordedSession

STEPS = 120


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    made = session(folder)
    with_hole(folder, made, known=True)
    last = again(folder, made)
    with RecordedSession(folder) as one:
        yield one, made, last, digest(analysed(one))


@given(batch=st.integers(1, 5000), piece=st.integers(1, 300))
@settings(max_examples=12)
def test_any_batch_and_any_piece_give_the_same_bytes(whole, batch, piece):
    one, _, _, wanted = whole
    before, module.PIECE = module.PIECE, piece
    try:
        assert digest(analysed(one, batch=batch)) == wanted
    finally:
        module.PIECE = before


@given(step=st.integers(1, 140 + 19), within=st.integers(0, STEP_NS - 1))
@settings(max_examples=40)
def test_from_any_moment_the_end_is_the_same(whole, step, within):
    one, _, last, _ = whole
    market = Market(list(one.instruments.values()), 1)
    bring_on(market, one.moves(BEGIN_NS + step * STEP_NS + within))
    book, was = market.book("BTC-USD"), last.market.book("BTC-USD")
    assert (book.bids(), book.asks()) == (was.bids(), was.asks())


@given(step=st.integers(1, STEPS - 1), within=st.integers(0, STEP_NS - 1))
@settings(max_examples=40)
def test_up_to_any_moment_the_book_is_that_of_the_moment(whole, step, within):
    one, made, _, _ = whole
    market = Market(list(one.instruments.values()), 1)
    moment = BEGIN_NS + step * STEP_NS + within
    bring_on(market, one.moves(None, moment + 1))
    changes = sum(1 for row in made.book if row[2] <= moment)
    book = market.book("BTC-USD")
    assert (book.bids(), book.asks()) == made.books[changes]
