import sqlite3
import threading

import msgspec
import pytest
from support.bus_events import Counted, counted_topic, make_account, note, noted, noting, rows

from rtlab.bus.handling import delivery_of
from rtlab.bus.once import TABLES, RedisOnce, SqliteOnce, is_first
from rtlab.errors import FencedError, UnreachableError

TOPIC = counted_topic()


def delivery(n: int = 0, *, token: int = 5, shard: int = 0):
    event = TOPIC.event(Counted("k", n), key="k", id=f"k-{n}")
    return delivery_of(TOPIC, "main", shard, token, event, 0)


@pytest.fixture
def path(tmp_path):
    make_account(tmp_path / "account.db")
    return tmp_path / "account.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def once(request, path):
    """Each database in turn, with the table of effects."""
    return SqliteOnce(path) if request.param == "sqlite" else request.getfixturevalue("postgres_once")


def test_an_effect_is_applied_once_however_often_its_event_comes(once):
    effect = noting(once)
    assert once.apply(delivery(1), lambda cursor: effect(cursor, delivery(1)))
    assert not once.apply(delivery(1), lambda cursor: effect(cursor, delivery(1)))
    assert once.apply_all([delivery(1), delivery(2), delivery(2), delivery(3)], effect) == 2
    assert noted(once) == [("k", 1), ("k", 2), ("k", 3)]
    assert (once.applied, once.repeated) == (3, 3)


def test_an_effect_that_fails_leaves_neither_itself_nor_the_id(once):
    effect = noting(once)

    def fails(cursor, one):
        effect(cursor, one)
        if one.body.n == 2:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        once.apply_all([delivery(1), delivery(2)], fails)
    assert noted(once) == []
    assert once.apply_all([delivery(1), delivery(2)], effect) == 2


def test_a_consumer_that_lost_its_shard_is_refused_and_counted_and_has_no_effect(once):
    effect = noting(once)
    once.apply_all([delivery(1, token=7)], effect)
    with pytest.raises(FencedError, match="a newer consumer has written"):
        once.apply_all([delivery(2, token=6), delivery(3, token=6)], effect)
    assert once.refused == 2
    assert noted(once) == [("k", 1)]
    assert once.apply_all([delivery(2, token=6, shard=1), delivery(3, token=0)], effect) == 2


def test_a_file_that_others_lock_is_away_and_nothing_is_lost(path, monkeypatch):
    once = SqliteOnce(path)
    free, locked = threading.Event(), threading.Event()

    def lock():
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        locked.set()
        free.wait(20)
        connection.close()

    thread = threading.Thread(target=lock)
    thread.start()
    locked.wait(10)
    quick = SqliteOnce.__new__(SqliteOnce)
    quick.__dict__.update(once.__dict__)
    quick.connect = lambda: sqlite3.connect(path, timeout=0.05, isolation_level=None)
    with pytest.raises(UnreachableError, match="cannot be written now"):
        quick.apply(delivery(1), lambda cursor: None)
    free.set()
    thread.join(10)
    assert once.apply_all([delivery(1)], note) == 1


def test_in_your_own_transaction_the_id_goes_with_it(path):
    with sqlite3.connect(path) as connection:
        for statement in TABLES:
            connection.execute(statement)
    for _ in range(2):
        with sqlite3.connect(path) as connection:
            cursor = connection.cursor()
            if is_first(cursor, delivery(1)):
                note(cursor, delivery(1))
            connection.rollback()
    assert rows(path) == []
    for expected in (True, False):
        with sqlite3.connect(path) as connection:
            assert is_first(connection.cursor(), delivery(1)) is expected
        connection.close()


def test_ids_are_forgotten_when_they_are_old(once):
    once.keep_s = -10
    once.apply(delivery(1), lambda cursor: None)
    assert once.forget() == 1
    assert once.apply(delivery(1), lambda cursor: None)


async def test_on_redis_commands_are_applied_once_and_fenced_in_one_step(redis_url):
    once = RedisOnce(redis_url)
    scope = msgspec.structs.replace(delivery(1), topic="redis-once")
    key = "rtlab:test:redis-once"
    assert await once.apply(scope, [("HINCRBY", key, "a", 5), ("HSET", key, "b", "x")])
    assert not await once.apply(scope, [("HINCRBY", key, "a", 5)])
    zombie = msgspec.structs.replace(scope, id="other", token=4)
    with pytest.raises(FencedError):
        await once.apply(zombie, [("HINCRBY", key, "a", 5)])
    assert await once._redis.hgetall(key) == {b"a": b"5", b"b": b"x"}
    assert (once.applied, once.repeated, once.refused) == (1, 1, 1)
    await once.close()


async def test_redis_away_is_said_so():
    once = RedisOnce("redis://127.0.0.1:1")
    with pytest.raises(UnreachableError):
        await once.apply(delivery(1), [])
    await once.close()


def test_opening_is_tried_again_where_sqlite_says_at_once_that_the_file_is_locked(path, monkeypatch):
    problems = [sqlite3.OperationalError("database is locked") for _ in range(3)]
    connect = SqliteOnce.connect

    def refused_at_first(self):
        connection = connect(self)
        if problems:
            connection.close()
            raise UnreachableError("account.db cannot be written now") from problems.pop()
        return connection

    monkeypatch.setattr(SqliteOnce, "connect", refused_at_first)
    assert SqliteOnce(path).apply(delivery(), lambda cursor: note(cursor, delivery()))
    assert not problems
    assert rows(path) == [("k", 0)]
