import pytest

from rtlab.book import WHOLE, Bars, L2Book, Tape, Ticker, TickerRow, Totals, Update
from rtlab.protocol import CHANNEL_KINDS, Increment, Snapshot
from rtlab.protocol import Bars as BarsMessage
from rtlab.protocol.channels import update_of


def book():
    source = L2Book(epoch=2)
    source.fold([0, 0, 1], [10, 9, 12], [1, 2, 3], 77)
    return source


def tape():
    source = Tape(epoch=2)
    source.extend([(5, 100, 3, 0), (6, 101, 4, 1), (7, 102, 5, 0)])
    return source


def ticker():
    source = Ticker(epoch=2)
    source.set(TickerRow(7, 10, 1, None, 0, 10, 3))
    return source


def bars():
    source = Bars(10**9, epoch=2)
    source.fold(list(tape().rows))
    return source


SOURCES = {"book": book, "trades": tape, "ticker": ticker, "bars": bars}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("seq", [0, 1])
def test_a_message_says_what_its_update_said(name, seq):
    source, kind = SOURCES[name](), CHANNEL_KINDS[name]
    held = WHOLE if seq else 0
    if name == "bars":
        held = min(held, source.keep)
    update = source.since(2, seq, WHOLE, held)
    if update is None:
        assert name == "ticker"
        return
    message = kind.message(9, update, 1)
    assert isinstance(message, kind.speaks)
    assert message.key == 9
    view, twin = kind.view(), kind.view()
    for one, said in ((view, update), (twin, update_of(message, WHOLE))):
        (one.load if not seq or name == "ticker" else one.apply)(said)
    assert view.digest(WHOLE) == twin.digest(WHOLE)
    assert (twin.epoch, twin.seq) == (2, source.seq)
    assert twin.digest(WHOLE) == source.digest(WHOLE) or seq


def test_a_book_says_snapshot_or_increment():
    kind = CHANNEL_KINDS["book"]
    snapshot = kind.message(1, Update("snapshot", 2, 0, 3, 5, 7, ([(10, 1)], [])), 99)
    assert snapshot == Snapshot(1, 2, 3, 5, [(10, 1)], [], 99, 7)
    increment = kind.message(1, Update("increment", 2, 4, 6, 5, 7, [(0, 10, 0)]), None)
    assert increment == Increment(1, 2, 4, 6, 5, 7, [(0, 10, 0)], None)


def test_bars_say_by_their_first_sequence_whether_they_are_all():
    kind = CHANNEL_KINDS["bars"]
    whole = kind.message(1, bars().since(0, 0, 5, 0), None)
    assert isinstance(whole, BarsMessage)
    assert (whole.first_seq, update_of(whole, 5).kind) == (0, "snapshot")
    part = kind.message(1, bars().since(2, 1, 5, 5), None)
    assert (part.first_seq, update_of(part, 5).kind) == (2, "increment")


def test_trades_carry_the_totals_before_the_first_row():
    message = CHANNEL_KINDS["trades"].message(1, tape().since(2, 2, 5, 5), None)
    assert (message.before.seq, message.before.bought, message.before.sold) == (2, 3, 4)
    assert update_of(message, 5).body == (Totals(2, 3, 4), [(7, 102, 5, 0)])


def test_only_books_are_checked_only_trades_are_a_log_and_only_bars_are_timed():
    assert [name for name, kind in CHANNEL_KINDS.items() if kind.checked] == ["book"]
    assert [name for name, kind in CHANNEL_KINDS.items() if kind.log] == ["trades"]
    assert [name for name, kind in CHANNEL_KINDS.items() if kind.timed] == ["bars"]
