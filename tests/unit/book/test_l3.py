import numpy as np
import pytest
from support.random_rows import instruments, random_rows

from rtlab.book import WHOLE, L2Book, L3Book, OrderRow, SortedSide
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import EVENT, EventKind, Reason, Side


def events(*rows):
    made = np.zeros(len(rows), EVENT)
    for number, (kind, fields) in enumerate(rows):
        made[number]["kind"], made[number]["seq"] = kind, number + 1
        for name, value in fields.items():
            made[number][name] = value
    return made


def accepted(order_id, price, qty, side=Side.BID):
    return EventKind.ACCEPTED, {
        "order_id": order_id,
        "price": price,
        "qty": qty,
        "remaining": qty,
        "side": side,
    }


def replaced(order_id, price, qty, side=Side.BID):
    return EventKind.REPLACED, {"order_id": order_id, "price": price, "qty": qty, "side": side}


def done(order_id, price, side=Side.BID):
    return EventKind.DONE, {"order_id": order_id, "price": price, "side": side, "reason": Reason.CANCELLED}


def book_of(*rows):
    book = L3Book()
    book.apply(events(*rows))
    return book


def ids(book, price, side=Side.BID):
    return [order.order_id for order in book.queue(side, price)]


def test_orders_queue_by_time_at_their_price():
    book = book_of(accepted(1, 10, 5), accepted(2, 10, 6), accepted(3, 11, 7))
    assert ids(book, 10) == [1, 2]
    assert book.bids() == [(11, 7), (10, 11)]
    assert book.order(2) == OrderRow(2, Side.BID, 10, 6)
    assert len(book) == 3


def test_a_replacement_that_only_lowers_the_quantity_keeps_its_place():
    book = book_of(accepted(1, 10, 5), accepted(2, 10, 6), replaced(1, 10, 3))
    assert ids(book, 10) == [1, 2]
    assert book.order(1).qty == 3


@pytest.mark.parametrize(("price", "qty"), [(10, 6), (11, 5), (9, 1)])
def test_any_other_replacement_goes_to_the_back(price, qty):
    book = book_of(accepted(1, 10, 5), accepted(2, price, 6), replaced(1, price, qty))
    assert ids(book, price) == [2, 1]


def test_a_trade_reduces_maker_and_taker_and_done_removes():
    trade = {"order_id": 2, "maker_id": 1, "side": Side.ASK, "price": 10, "qty": 4, "remaining": 1}
    book = book_of(accepted(1, 10, 5), accepted(2, 10, 6, Side.ASK), (EventKind.TRADE, trade))
    assert (book.order(1).qty, book.order(2).qty) == (1, 2)
    book.apply(events(done(1, 10), done(2, 10, Side.ASK)))
    assert (len(book), book.bids(), book.asks(), book.order(1)) == (0, [], [], None)


def test_what_comes_and_goes_within_a_batch_is_nobodys_news():
    book = book_of(accepted(1, 10, 5))
    seq = book.seq
    book.apply(events(accepted(2, 10, 5), done(2, 10)))
    assert book.seq == seq


def test_events_of_unknown_orders_change_nothing():
    trade = {"order_id": 8, "maker_id": 9, "qty": 1}
    book = book_of(done(5, 10), replaced(5, 10, 1), (EventKind.TRADE, trade))
    assert (len(book), book.seq) == (0, 0)


def plain_fold(rows):
    """Queues by the words of the contract, over the rows one by one: (side, price) -> [[order id, qty], ...]."""
    queues = {}
    where = {}
    for row in rows:
        kind, oid, side, price, qty = (int(row[n]) for n in ("kind", "order_id", "side", "price", "qty"))
        if kind == EventKind.ACCEPTED:
            queues.setdefault((side, price), []).append([oid, qty])
            where[oid] = (side, price)
        elif kind == EventKind.TRADE:
            for one, left in ((int(row["maker_id"]), None), (oid, qty)):
                if one in where:
                    for entry in queues[where[one]]:
                        if entry[0] == one:
                            entry[1] = int(row["remaining"]) if left is None else entry[1] - left
        elif kind in (EventKind.DONE, EventKind.REPLACED) and oid in where:
            queue = queues[where[oid]]
            place = [entry[0] for entry in queue].index(oid)
            if kind == EventKind.REPLACED and where[oid][1] == price and qty <= queue[place][1]:
                queue[place][1] = qty
                continue
            del queue[place]
            del where[oid]
            if kind == EventKind.REPLACED:
                queues.setdefault((side, price), []).append([oid, qty])
                where[oid] = (side, price)
    return {key: queue for key, queue in queues.items() if queue}


@pytest.mark.parametrize("seed", range(4))
def test_orders_of_a_random_market_equal_a_plain_fold_and_its_levels(seed):
    engine = ReferenceEngine(instruments(1))
    rows = engine.process(random_rows(np.random.default_rng(seed), 1500, symbols=1))
    l3, l2 = L3Book(), L2Book()
    for command in np.split(rows, np.flatnonzero(np.diff(rows["command"])) + 1):
        l3.apply(command)
        l2.apply_levels(command[command["kind"] == EventKind.LEVEL])
        assert (l3.bids(), l3.asks()) == (l2.bids(), l2.asks())
    truth = plain_fold(rows)
    assert {(o.side, o.price) for o in map(l3.order, [e[0] for q in truth.values() for e in q])} == set(truth)
    for (side, price), queue in truth.items():
        assert [[o.order_id, o.qty] for o in l3.queue(Side(side), price)] == queue
    assert len(l3) == sum(map(len, truth.values())) > 0


def test_a_reader_of_the_orders_follows_by_increments():
    engine = ReferenceEngine(instruments(1))
    rows = engine.process(random_rows(np.random.default_rng(9), 1000, symbols=1))
    l3, reader, seq, increments = L3Book(), SortedSide(1), 0, 0
    for number, command in enumerate(np.split(rows, np.flatnonzero(np.diff(rows["command"])) + 1)):
        l3.apply(command)
        if number % 7:
            continue
        update = l3.since(1, seq, 10, WHOLE if seq else 0)
        if update is None:
            continue
        seq = update.last_seq
        if update.kind == "snapshot":
            reader.load(update.body[0])
        else:
            increments += 1
            for _, rank, order in update.body:
                reader.put(rank, order)
        assert reader.top(WHOLE) == l3.sides[0].top(WHOLE)
    assert increments > 20


def test_digests_of_equal_books_are_equal_and_empty_ones_too():
    one, other = book_of(accepted(1, 10, 5)), book_of(accepted(1, 10, 5))
    assert one.digest(1) == other.digest(WHOLE) != L3Book().digest(1)
    assert L3Book().digest(1) == b""
