import gc
from zlib import crc32

import pytest

from rtlab.book import WHOLE, L2Book, Tape, Ticker, TickerRow
from rtlab.errors import ProtocolError
from rtlab.protocol import Batch, Codec, Increment, PayloadCache, Ping, Pong, Resync, Snapshot
from rtlab.protocol.cache import CHECKED_DEPTH, Stand
from rtlab.protocol.limits import SECOND

CODEC = Codec()


def book_of(levels=5):
    book = L2Book(epoch=1)
    book.replace_all([(100 - n, 1) for n in range(levels)], [(101 + n, 1) for n in range(levels)], 9)
    return book


def lane_of(source, name="book", depth=3, cache=None, codec=CODEC):
    return (cache or PayloadCache()).lane(source, codec, name, "A", 0, depth)


def ask(lane, stand, now=0):
    return lane.next(stand, now)


def stand(seq=0, *, epoch=1, held=3, told=None, check=False, key=1, most=None):
    return Stand(key, epoch, seq, seq if told is None else told, held, check, most)


FRESH = stand(epoch=0, held=0)


def test_the_same_stand_gets_the_same_bytes_built_once():
    cache = PayloadCache()
    lane = lane_of(book_of(), cache=cache)
    one, other = ask(lane, FRESH), ask(lane, FRESH)
    assert one.payload is other.payload
    assert (cache.statistics().built, cache.statistics().shared) == (1, 1)


def test_a_payload_says_where_it_brings_the_reader():
    lane = lane_of(book_of())
    built = ask(lane, FRESH)
    message = CODEC.decode_server(built.payload)
    assert isinstance(message, Snapshot)
    assert (built.epoch, built.seq, built.held, built.dropped) == (1, 10, 3, 0)
    assert (message.key, message.seq, message.depth) == (1, 10, 3)
    assert message.checksum == crc32(book_of().digest(3))


def test_nothing_to_say_is_remembered_too():
    cache, book = PayloadCache(), book_of()
    lane = lane_of(book, cache=cache)
    book.change(0, 1, 7, 0)  # deep
    assert ask(lane, stand(10)) is None
    assert ask(lane, stand(10)) is None
    assert (cache.built, cache.shared) == (0, 1)


def test_a_new_head_makes_all_payloads_old():
    book = book_of()
    lane = lane_of(book)
    ask(lane, FRESH)
    book.change(0, 100, 7, 0)
    message = CODEC.decode_server(ask(lane, stand(10)).payload)
    assert isinstance(message, Increment)
    assert (message.first_seq, message.last_seq, message.changes) == (11, 11, [(0, 100, 7)])
    assert message.checksum == crc32(book.digest(3))


def test_an_increment_follows_the_last_message_though_more_was_told():
    book = book_of()
    lane = lane_of(book)
    book.change(0, 1, 7, 0)  # deep: told by silence
    book.change(0, 100, 7, 0)
    message = CODEC.decode_server(ask(lane, stand(10, told=11)).payload)
    assert (message.first_seq, message.last_seq) == (11, 12)


def test_readers_at_different_points_get_different_bytes():
    book = book_of()
    lane = lane_of(book)
    book.change(0, 100, 7, 0)
    book.change(0, 99, 7, 0)
    payloads = {ask(lane, s).payload for s in (stand(10), stand(11), stand(11, key=9), FRESH)}
    assert len(payloads) == 4


@pytest.mark.parametrize(
    ("depth", "checked"), [(CHECKED_DEPTH, True), (CHECKED_DEPTH + 1, False), (WHOLE, False)]
)
def test_deep_increments_carry_a_checksum_only_when_asked(depth, checked):
    book = book_of(200)
    lane = lane_of(book, depth=depth)
    assert CODEC.decode_server(ask(lane, stand(epoch=0, held=0)).payload).checksum is not None
    book.change(0, 100, 7, 0)
    quiet = ask(lane, stand(400, held=depth))
    assert (CODEC.decode_server(quiet.payload).checksum is not None) == checked
    asked = ask(lane, stand(400, held=depth, check=True))
    assert CODEC.decode_server(asked.payload).checksum == crc32(book.digest(depth))


def test_beyond_depth_100_the_first_head_of_each_second_is_checked_for_all():
    book = book_of(200)
    lane = lane_of(book, depth=150)
    ask(lane, FRESH)
    checked = []
    for tenth in range(25):
        book.change(0, 100, 7 + tenth, 0)
        readers = [stand(400, held=150, check=check) for check in (False, True)]
        one, other = (ask(lane, reader, tenth * SECOND // 10) for reader in readers)
        assert other.checked
        assert (one is other) == one.checked
        checked.append(one.checked)
    assert checked == [tenth in (10, 20) for tenth in range(25)]


def tape_of(count):
    tape = Tape(keep=50)
    tape.extend([(n, 100, 1, 0) for n in range(1, count + 1)])
    return tape


def test_rows_that_left_the_ring_or_are_left_out_are_counted_as_dropped():
    lane = lane_of(tape_of(100), "trades", 10)
    assert ask(lane, stand(20, held=10)).dropped == 30
    assert ask(lane, stand(20, told=95, held=10)).dropped == 75
    message = CODEC.decode_server(ask(lane, stand(20, told=95, held=10)).payload)
    assert (message.first_seq, message.last_seq, message.before.seq, len(message.trades)) == (21, 100, 95, 5)


def test_a_limit_of_rows_leaves_the_rest_for_the_next_message():
    lane = lane_of(tape_of(40), "trades", 10)
    built = ask(lane, stand(10, held=10, most=7))
    message = CODEC.decode_server(built.payload)
    assert (built.seq, message.last_seq, len(message.trades)) == (17, 17, 7)
    assert ask(lane, stand(39, held=10, most=7)).seq == 40


def test_a_full_lane_builds_without_keeping():
    cache, book = PayloadCache(points=2), book_of()
    lane = lane_of(book, cache=cache)
    for seq in range(9):
        ask(lane, stand(seq))
    assert cache.unshared == 7
    assert len(lane._built) == 2


def test_a_lane_is_shared_by_all_that_want_the_same_and_dies_with_the_last():
    cache, book = PayloadCache(), book_of()
    one = cache.lane(book, CODEC, "book", "A", 0, 3)
    assert cache.lane(book, CODEC, "book", "A", 0, 3) is one
    others = [
        cache.lane(book, CODEC, "book", "A", 0, 4),
        cache.lane(book, Codec("json"), "book", "A", 0, 3),
        cache.lane(book, CODEC, "book", "B", 0, 3),
    ]
    assert len({one.base, *(lane.base for lane in others)}) == 4
    assert cache.statistics().lanes == 4
    others.clear()
    gc.collect()
    assert cache.statistics().lanes == 1


def test_a_lane_of_another_source_is_another_lane_with_another_base():
    cache = PayloadCache()
    one = cache.lane(book_of(), CODEC, "book", "A", 0, 3)
    other = cache.lane(book_of(), CODEC, "book", "A", 0, 3)
    assert other is not one
    assert other.base > one.base


def test_one_payload_is_its_own_batch_and_equal_batches_are_one_object():
    cache = PayloadCache()
    ticker = Ticker()
    ticker.set(TickerRow(1, 2, 3))
    parts = [ask(lane_of(book_of()), FRESH).payload, ask(lane_of(ticker, "ticker"), FRESH).payload]
    assert cache.batch(CODEC, parts[:1]) is parts[0]
    whole = cache.batch(CODEC, parts)
    assert cache.batch(CODEC, list(parts)) is whole
    assert cache.shared == 1
    assert CODEC.decode_server(whole) == Batch([CODEC.decode_server(part) for part in parts])


def test_batches_are_bounded_by_their_bytes():
    cache = PayloadCache(batch_bytes=1000)
    for n in range(50):
        cache.batch(CODEC, [b"a" * 100, bytes([n]) * 100])
        kept = cache._coalesced
        assert sum(len(whole) + sum(map(len, parts)) for (_, parts), whole in kept.items()) <= 1000
    assert cache.batch(CODEC, [b"a" * 100, bytes([49]) * 100]) in cache._coalesced.values()
    cache.batch(CODEC, [b"a" * 1000, b"b"])
    assert len(cache._coalesced) == 1


def test_pings_at_one_point_and_time_are_one_payload_with_a_number_of_its_own():
    cache, heads = PayloadCache(), {1: (1, 5, 7)}
    nonce, payload = cache.ping(CODEC, heads, 10)
    assert cache.ping(CODEC, dict(heads), 10) == (nonce, payload)
    assert CODEC.decode_server(payload) == Ping(nonce, 10, heads)
    later = [cache.ping(CODEC, heads, 11)[0], cache.ping(CODEC, {1: (1, 7, 7)}, 11)[0]]
    assert nonce < later[0] < later[1]


def test_equal_answers_are_read_once_and_whatever_else_each_time():
    cache = PayloadCache(points=3)
    answers = [CODEC.encode(Pong(nonce, {1: (1, 5)})) for nonce in range(10)]
    for answer in answers:
        assert cache.decode(CODEC, answer) == CODEC.decode_client(answer)
        assert len(cache._answers) <= 3
    assert cache.decode(CODEC, bytes(bytearray(answers[-1]))) is cache.decode(CODEC, answers[-1])
    resync = CODEC.encode(Resync(1))
    assert cache.decode(CODEC, resync) is not cache.decode(CODEC, resync)
    with pytest.raises(ProtocolError):
        cache.decode(CODEC, b"")
