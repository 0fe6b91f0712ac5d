import threading

import psycopg
import pytest
from support.bus_events import Counted, counted_topic, noted, noting

from rtlab.bus.handling import delivery_of
from rtlab.bus.once_postgres import PostgresOnce
from rtlab.errors import ConfigError, UnreachableError

TOPIC = counted_topic()


def delivery(n: int = 0, *, token: int = 5, shard: int = 0):
    event = TOPIC.event(Counted("k", n), key="k", id=f"k-{n}")
    return delivery_of(TOPIC, "main", shard, token, event, 0)


@pytest.fixture
def once(postgres_once):
    return postgres_once


def test_of_many_who_apply_the_same_at_once_one_does(once):
    together = threading.Barrier(4)
    first = []

    def apply():
        together.wait(10)
        first.append(once.apply_all([delivery(n) for n in range(50)], noting(once)))

    threads = [threading.Thread(target=apply) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(first) == 50
    assert noted(once) == [("k", n) for n in range(50)]


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
    once.apply_all([delivery(1)], noting(once))

    def dies(cursor, one):
        noting(once)(cursor, one)
        postgres.kill()

    with pytest.raises(UnreachableError, match=f"127.0.0.1:{postgres.port}/postgres does not do it"):
        once.apply_all([delivery(2)], dies)
    with pytest.raises(UnreachableError, match="does not do it"):
        once.apply_all([delivery(2)], noting(once))
    postgres.start()
    assert once.apply_all([delivery(1), delivery(2)], noting(once)) == 1
    assert noted(once) == [("k", 1), ("k", 2)]


def test_a_connection_that_ended_while_nobody_used_it_is_nobodys_error(postgres, once):
    once.apply_all([delivery(1)], noting(once))
    postgres.kill()
    postgres.start()
    assert once.apply_all([delivery(2)], noting(once)) == 1


def test_two_who_wait_for_each_other_are_told_to_come_again(once):
    once.apply_all([delivery(1), delivery(2)], noting(once))
    together, told = threading.Barrier(2), []

    def update(*order):
        def effect(cursor, one):
            for n in order:
                cursor.execute("UPDATE effects SET key = key WHERE n = %s", (n,))
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


def test_what_is_no_address_and_who_is_refused_is_said(postgres):
    with pytest.raises(ConfigError, match="not the address of a PostgreSQL"):
        PostgresOnce("postgresql://[")
    with pytest.raises(ConfigError, match=r'refuses: .*role "somebody" does not exist'):
        PostgresOnce(postgres.url.replace("rtlab@", "somebody@"))
    with pytest.raises(ConfigError, match=r'refuses: .*database "nothing" does not exist'):
        PostgresOnce(postgres.url.replace("/postgres", "/nothing"))
