from rtlab.book import L2Book, Tape
from rtlab.protocol import Channel, Codec, PayloadCache
from rtlab.protocol.cursor import Cursor
from rtlab.protocol.limits import SECOND

MANY = 10**6


def cursor_on(source, name="book", depth=3, patient_until=0, **wish):
    lane = PayloadCache().lane(source, Codec(), name, "A", 0, depth)
    return Cursor(1, lane, Channel(name, "A", depth, **wish), patient_until)


def book_of(levels=5, epoch=1):
    book = L2Book(epoch=epoch)
    book.replace_all([(100 - n, 1) for n in range(levels)], [(101 + n, 1) for n in range(levels)], 9)
    return book


def due(cursor, now=0, newest=None, most=MANY):
    cursor.look()
    built = cursor.next(now, newest, most)
    return built and Codec().decode_server(built.payload)


def test_it_stands_where_its_last_message_brought_the_reader():
    cursor = cursor_on(book_of())
    assert due(cursor).seq == 10
    assert (cursor.epoch, cursor.seq, cursor.held, cursor.furthest) == (1, 10, 3, (1, 10))
    assert due(cursor) is None
    assert cursor.messages == 1


def test_it_begins_at_the_resume_point():
    book = book_of()
    cursor = cursor_on(book, resume=(1, 10, 3))
    assert due(cursor) is None
    book.change(0, 100, 5, 0)
    assert due(cursor).first_seq == 11


def test_silence_moves_what_was_told_and_a_ping_the_stand():
    book = book_of()
    cursor = cursor_on(book)
    due(cursor)
    book.change(0, 1, 5, 0)
    assert due(cursor) is None
    assert (cursor.seq, cursor.told) == (10, 11)
    assert cursor.head() == (1, 10, 11)
    assert cursor.head() == (1, 11, 11)
    assert cursor.furthest == (1, 11)


def test_heads_that_were_passed_over_count_as_merged():
    book = book_of()
    cursor = cursor_on(book)
    due(cursor)
    for qty in (5, 6, 7):
        book.change(0, 100, qty, 0)
        cursor.look()
        cursor.look()  # the same head twice is one
    assert due(cursor).last_seq == 13
    assert cursor.merged == 2


def test_what_was_never_to_be_said_is_not_merged():
    book = book_of()
    cursor = cursor_on(book)
    due(cursor)
    for qty in (5, 6, 7):
        book.change(0, 1, qty, 0)
        assert due(cursor) is None
    book.change(0, 100, 9, 0)
    due(cursor)
    assert cursor.merged == 0


def test_a_rate_is_kept_and_what_comes_between_is_merged():
    book = book_of()
    cursor = cursor_on(book, max_rate=10.0)
    sent = []
    for ms in range(1000):
        book.change(0, 100, 1 + ms, 0)
        if due(cursor, ms * 10**6):
            sent.append(ms)
    assert sent == list(range(0, 1000, 100))
    assert cursor.merged == 9 * 99


def test_a_reader_that_is_ahead_waits_then_gets_a_snapshot():
    cursor = cursor_on(book_of(), resume=(1, 50, 3), patient_until=2 * SECOND)
    assert due(cursor, SECOND) is None
    message = due(cursor, 2 * SECOND)
    assert (message.seq, message.depth) == (10, 3)
    assert cursor.furthest == (1, 50)


def test_a_reader_that_is_ahead_goes_on_when_the_server_gets_there():
    book = book_of()
    cursor = cursor_on(book, resume=(1, 12, 3), patient_until=2 * SECOND)
    assert due(cursor) is None
    for qty in (5, 6, 7):
        book.change(0, 100, qty, 0)
    assert due(cursor).first_seq == 13


def test_a_reader_of_a_later_epoch_waits_too():
    cursor = cursor_on(book_of(epoch=4), resume=(5, 1, 3), patient_until=2 * SECOND)
    assert due(cursor, SECOND) is None
    assert due(cursor, 3 * SECOND).epoch == 4


def test_reset_brings_a_snapshot_next():
    cursor = cursor_on(book_of())
    due(cursor)
    cursor.reset()
    assert due(cursor).seq == 10
    assert cursor.furthest == (1, 10)


def test_beyond_depth_100_one_increment_a_second_is_checked():
    book = book_of(150)
    cursor = cursor_on(book, depth=120)
    due(cursor)
    checked = []
    for tenth in range(40):
        book.change(0, 100, 1 + tenth, 0)
        checked.append(due(cursor, tenth * SECOND // 10).checksum is not None)
    assert checked == [tenth % 10 == 0 and tenth > 0 for tenth in range(40)]


def tape_of(count, **options):
    tape = Tape(**options)
    tape.extend([(n, 100, 1, 0) for n in range(1, count + 1)])
    return tape


def test_of_a_log_the_newest_rows_or_a_part_of_all():
    tape = tape_of(10)
    cursor = cursor_on(tape, "trades", 5)
    assert len(due(cursor).trades) == 5
    tape.extend(tape_of(100).rows)
    message = due(cursor, newest=None, most=30)
    assert (message.before.seq, len(message.trades)) == (10, 30)
    message = due(cursor, newest=20, most=MANY)
    assert (message.before.seq, len(message.trades), message.first_seq) == (90, 20, 41)
    assert cursor.dropped == 50


def test_rows_of_a_log_are_never_counted_as_merged():
    tape = tape_of(10)
    cursor = cursor_on(tape, "trades", 5)
    due(cursor)
    for _ in range(5):
        tape.extend([(1, 1, 1, 0)])
        cursor.look()
    due(cursor)
    assert cursor.merged == 0


def test_a_fresh_reader_of_a_log_is_limited_too():
    cursor = cursor_on(tape_of(100), "trades", 50)
    assert len(due(cursor, most=20).trades) == 20
    assert cursor.seq == 70
