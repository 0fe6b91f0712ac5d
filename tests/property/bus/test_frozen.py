"""What a holder of an older token writes is refused, counted, and has no effect."""

import msgspec
import pytest
from support.bus_events import counted_events, counted_topic
from support.bus_servers import RedisServer

from rtlab.bus.handling import delivery_of
from rtlab.bus.once import RedisOnce
from rtlab.errors import FencedError

LEASE_S = 0.6


async def test_an_older_token_changes_nothing(tmp_path):
    topic = counted_topic(shards=1)
    (event,) = counted_events(topic, 1, 1)
    new = delivery_of(topic, "main", 0, 2, event, 0)
    old = msgspec.structs.replace(new, token=1, id="other")
    with RedisServer(tmp_path / "redis") as server:
        once = RedisOnce(server.url)
        await once.apply(new, [("INCR", "effects")])
        with pytest.raises(FencedError):
            await once.apply(old, [("INCR", "effects")])
        assert (await once._redis.get("effects"), once.refused) == (b"1", 1)
        await once.close()
