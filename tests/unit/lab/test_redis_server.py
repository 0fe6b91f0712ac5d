from support.store import store_server

from rtlab.config import Settings
from rtlab.lab.redis_server import redis_of


async def test_a_redis_of_our_own_lives_as_long_as_it_is_needed():
    with store_server() as server:  # skips where there is none
        async with redis_of(Settings(redis_url=server.url)) as url:
            assert url == server.url
    async with redis_of(Settings()) as url:
        assert url.startswith("unix://")
