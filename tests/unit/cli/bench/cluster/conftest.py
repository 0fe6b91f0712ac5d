import pytest

from rtlab.cli.bench.cluster.race import Course
from rtlab.embedded import EmbeddedServer


@pytest.fixture(scope="package")
def course():
    with EmbeddedServer() as redis:
        one = Course(redis.url)
        yield one
        one.close()
