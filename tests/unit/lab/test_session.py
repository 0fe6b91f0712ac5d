import shutil

import pytest
from support.session import BEGIN_NS, STEP_NS, again, session, with_hole

from rtlab.book import Market
from rtlab.errors import InstrumentError, SourceError
from rtlab.lab.analysed import bring_on
from rtlab.lab.session import RecordedSession, Whole

BTC = "BTC-USD"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    return folder, session(folder)


@pytest.fixture
def copied(recorded, tmp_path):
    """A session of one's own, to be changed: with what was made after it, it is another one."""
    folder = tmp_path / "copy"
    return folder, session(folder)


def state_after(one, moves):
    market = Market(list(one.instruments.values()), 1)
    bring_on(market, moves)
    return market.state(BTC)


def test_all_of_it_folds_to_the_market_that_was_recorded(recorded):
    folder, made = recorded
    with RecordedSession(folder) as one:
        state = state_after(one, one.moves())
    was = made.market.state(BTC)
    assert (state.book.bids(), state.book.asks()) == (was.book.bids(), was.book.asks())
    assert state.tape.totals == was.tape.totals
    assert state.book.seq == len(made.book)


def test_it_says_when_it_begins_and_ends(recorded):
    folder, made = recorded
    with RecordedSession(folder) as one:
        assert (one.start, one.end) == (made.book[0][2], max(made.book[-1][2], made.trades[-1][2]))
        assert repr(one) == f"<RecordedSession {folder}, BTC-USD: {(one.end - one.start) / 1e9:,.1f} s>"


@pytest.mark.parametrize("step", [1, 39, 40, 41, 77, 119])
def test_from_any_moment_it_begins_with_that_book_and_gives_every_step_after_once(recorded, step):
    folder, made = recorded
    moment = BEGIN_NS + (step + 1) * STEP_NS
    with RecordedSession(folder) as one:
        opening, *rest = list(one.moves(moment))
    changes = sum(1 for row in made.book if row[2] <= moment)
    assert (opening[2].bids, opening[2].asks) == made.books[changes]
    assert opening[2].reason == "begins here"
    rows = [
        (made.epoch, ts, side, price, qty)
        for _, _, move in rest
        for ts, side, price, qty in zip(
            [move.ts] * len(move.sides), move.sides, move.prices, move.qtys, strict=True
        )
    ]
    assert rows == [(row[0], *row[2:]) for row in made.book[changes:]]
    traded = [row[:1] for _, _, move in rest for row in move.trades]
    assert len(traded) == sum(1 for row in made.trades if row[2] > moment)


def test_between_two_moments_the_second_is_not_in_it(recorded):
    folder, _ = recorded
    with RecordedSession(folder) as one:
        moves = list(one.moves(BEGIN_NS + 20 * STEP_NS, BEGIN_NS + 30 * STEP_NS))
    assert [ts for ts, _, _ in moves[1:]] == [BEGIN_NS + n * STEP_NS for n in range(21, 30)]


def test_what_was_missed_is_a_whole_book_with_the_reason(copied):
    folder, made = copied
    before = with_hole(folder, made, known=True)
    with RecordedSession(folder) as one:
        holes = [move for _, _, move in one.moves() if isinstance(move, Whole)]
        state = state_after(one, one.moves())
    assert [hole.reason for hole in holes] == ["start", "ten steps were missed"]
    assert (holes[1].bids, holes[1].asks) == made.books[before]
    assert (state.book.bids(), state.book.asks()) == made.books[len(made.book)]


def test_a_book_that_nobody_knows_after_a_hole_is_empty_and_says_so(copied):
    folder, made = copied
    with_hole(folder, made, known=False)
    with RecordedSession(folder) as one:
        hole = [move for _, _, move in one.moves() if isinstance(move, Whole)][1]
    assert (hole.bids, hole.asks) == ([], [])
    assert hole.reason.startswith("ten steps were missed; ")
    assert "is not known there" in hole.reason


def test_two_recordings_into_one_folder_are_two_histories_one_after_the_other(copied):
    folder, made = copied
    other = again(folder, made)
    with RecordedSession(folder) as one:
        moves = list(one.moves())
        state = state_after(one, moves)
    wholes = [at for at, (_, _, move) in enumerate(moves) if isinstance(move, Whole)]
    assert len(wholes) == 2
    was = other.market.state(BTC)
    assert (state.book.bids(), state.book.asks()) == (was.book.bids(), was.book.asks())
    times = [ts for ts, _, _ in moves]
    assert times == sorted(times)


def test_an_instrument_is_chosen_by_its_symbol_and_another_is_an_error_that_says_which_there_are(recorded):
    folder, _ = recorded
    with RecordedSession(folder) as one:
        assert {symbol for _, symbol, _ in one.moves(symbols=[BTC])} == {BTC}
        with pytest.raises(InstrumentError, match="expected one of BTC-USD, got DOGE"):
            one.moves(symbols=["DOGE"])


def test_notes_are_kept_by_time_and_go_with_the_folder(copied, tmp_path):
    folder, _ = copied
    with RecordedSession(folder) as one:
        one.note("later", one.end, by="ann")
        one.note("earlier", one.start, symbol=BTC)
    shutil.copytree(folder, tmp_path / "given")
    with RecordedSession(tmp_path / "given") as theirs:
        assert [(note.text, note.symbol, note.by) for note in theirs.notes] == [
            ("earlier", BTC, ""),
            ("later", "", "ann"),
        ]


def test_a_note_has_its_moment_within_the_session_and_a_known_instrument(recorded):
    folder, _ = recorded
    with RecordedSession(folder) as one:
        with pytest.raises(SourceError, match="no such moment"):
            one.note("when?", one.end + 1)
        with pytest.raises(InstrumentError):
            one.note("what?", one.start, symbol="DOGE")
        assert one.notes == []


def test_a_folder_that_is_none_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SourceError, match=f"{tmp_path} holds no recorded session"):
        RecordedSession(tmp_path)
