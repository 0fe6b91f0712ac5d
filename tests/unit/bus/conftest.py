"""One Redis and one RabbitMQ for all tests of the room in this process; each test has topics of its own."""

import secrets

import psycopg
import pytest
from support.bus_events import counted_topic
from support.bus_servers import RedisServer
from support.postgres import PostgresServer
from support.rabbit import RabbitServer

from rtlab.bus.once_postgres import PostgresOnce


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(scope="session")
def rabbit_url(tmp_path_factory):
    with RabbitServer(tmp_path_factory.mktemp("rabbit")) as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres():
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_once(postgres):
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bus_applied, bus_fences, effects")
        connection.execute(
            "CREATE TABLE effects (at BIGINT GENERATED ALWAYS AS IDENTITY, key TEXT NOT NULL, n BIGINT NOT NULL)"
        )
    once = PostgresOnce(postgres.url)
    yield once
    once.close()


@pytest.fixture(params=["redis", "rabbit"])
def url(request):
    """Each engine in turn."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def new_topic():
    """Make topics that nobody else uses."""

    def make(**options):
        return counted_topic(name=f"t{secrets.token_hex(6)}", **{"shards": 2, **options})

    return make
