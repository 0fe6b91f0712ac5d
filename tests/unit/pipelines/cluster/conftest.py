import pytest
from support.shards import Play

from rtlab.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer() as one:
        yield one


@pytest.fixture
def play(server, request):
    with Play(server.url, request.node.name) as one:
        yield one
