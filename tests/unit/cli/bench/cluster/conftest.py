import pytest

from rtlab.cli.bench.cluster.race import Course
from rtlab.embedded import EmbeddedServer


@pytest.fixture(scope="package")
def course():
    """Races of 16,000 rows."""
    with EmbeddedServer() as redis:
        one = Course(redis.url, 16_000)
        yield one
        one.close()
