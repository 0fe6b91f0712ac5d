import threading

import psycopg
import pytest
from support.bus_events import Counted, counted_topic

from rtlab.bus.handling import delivery_of
from rtlab.bus.once_postgres import PostgresOnce
from rtlab.errors import ConfigError, FencedError, UnreachableError

TOPIC = counted_topic()


def delivery(n: int = 0, *, token: int = 5, shard: int = 0, topic: str = ""):
    event = TOPIC.event(Counted("k", n), key="k", id=f"k-{n}")
    return delivery_of(TOPIC, "main", shard, token, event, 0)


@pytest.fixture
def once(postgres):
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bus_applied, bus_fences, noted")
        connection.execute("CREATE TABLE noted (key TEXT NOT NULL, n BIGINT NOT NULL)")
    once = PostgresOnce(postgres.url)
    yield once
    once.close()


def note(cursor, one):
    cursor.execute("INSERT INTO noted VALUES (%s, %s)", (one.key, one.body.n))


def noted(once):
    with once.session() as session:
        return sorted(n for _, n in session.execute("SELECT key, n FROM noted").fetchall())


def test_an_effect_is_applied_once_however_often_its_event_comes(once):
    assert once.apply(delivery(1), lambda cursor: note(cursor, delivery(1)))
    assert not once.apply(delivery(1), lambda cursor: note(cursor, delivery(1)))
    assert once.apply_all([delivery(1), delivery(2), delivery(2), delivery(3)], note) == 2
    assert noted(once) == [1, 2, 3]
    assert (once.applied, once.repeated) == (3, 3)


def test_an_effect_that_fails_leaves_neither_itself_nor_the_id(once):
    def fails(cursor, one):
        note(cursor, one)
        if one.body.n == 2:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        once.apply_all([delivery(1), delivery(2)], fails)
    assert noted(once) == []
    assert once.apply_all([delivery(1), delivery(2)], note) == 2


def test_a_consumer_that_lost_its_shard_is_refused_and_counted_and_has_no_effect(once):
    once.apply_all([delivery(1, token=7)], note)
    with pytest.raises(FencedError, match="a newer consumer has written"):
        once.apply_all([delivery(2, token=6), delivery(3, token=6)], note)
    assert once.refused == 2
    assert noted(once) == [1]
    assert once.apply_all([delivery(2, token=6, shard=1), delivery(3, token=0)], note) == 2


def test_of_many_who_apply_the_same_at_once_one_does(once):
    together = threading.Barrier(4)
    first = []

    def apply():
        together.wait(10)
        first.append(once.apply_all([delivery(n) for n in range(50)], note))

    threads = [threading.Thread(target=apply) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(first) == 50
    assert noted(once) == [*range(50)]


def test_many_make_the_tables_at_once(postgres, once):
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP TABLE bus_applied, bus_fences")
    together, made = threading.Barrier(6), []

    def make():
        together.wait(10)
        one = PostgresOnce(postgres.url)
        one.close()
        made.append(one)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(made) == 6


def test_a_server_that_dies_and_comes_back_is_away_and_nothing_is_lost_or_twice(postgres, once):
    once.apply_all([delivery(1)], note)

    def dies(cursor, one):
        note(cursor, one)
        postgres.kill()

    with pytest.raises(UnreachableError, match=f"127.0.0.1:{postgres.port}/postgres does not do it"):
        once.apply_all([delivery(2)], dies)
    with pytest.raises(UnreachableError, match="does not do it"):
        once.apply_all([delivery(2)], note)
    postgres.start()
    assert once.apply_all([delivery(1), delivery(2)], note) == 1
    assert noted(once) == [1, 2]


def test_a_connection_that_ended_while_nobody_used_it_is_nobodys_error(postgres, once):
    once.apply_all([delivery(1)], note)
    postgres.kill()
    postgres.start()
    assert once.apply_all([delivery(2)], note) == 1


def test_two_who_wait_for_each_other_are_told_to_come_again(once):
    once.apply_all([delivery(1), delivery(2)], note)
    together, told = threading.Barrier(2), []

    def update(*order):
        def effect(cursor, one):
            for n in order:
                cursor.execute("UPDATE noted SET key = key WHERE n = %s", (n,))
                if n == order[0]:
                    together.wait(10)

        try:
            once.apply_all([delivery(10 + order[0], shard=order[0])], effect)
        except UnreachableError as problem:
            told.append(str(problem))

    threads = [threading.Thread(target=update, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [("deadlock" in one) for one in told] == [True]


def test_ids_are_forgotten_when_they_are_old(postgres, once):
    old = PostgresOnce(postgres.url, keep_s=-10)
    old.apply(delivery(1), lambda cursor: None)
    assert old.forget() == 1
    assert old.apply(delivery(1), lambda cursor: None)
    old.close()


def test_what_is_no_address_and_who_is_refused_is_said(postgres):
    with pytest.raises(ConfigError, match="not the address of a PostgreSQL"):
        PostgresOnce("postgresql://[")
    with pytest.raises(ConfigError, match=r'refuses: .*role "somebody" does not exist'):
        PostgresOnce(postgres.url.replace("rtlab@", "somebody@"))
    with pytest.raises(ConfigError, match=r'refuses: .*database "nothing" does not exist'):
        PostgresOnce(postgres.url.replace("/postgres", "/nothing"))
