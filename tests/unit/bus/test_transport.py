from rtlab.bus.rabbit import Rabbit
from rtlab.bus.redis_streams import RedisStreams
from rtlab.bus.transport import Transport


def test_both_engines_have_every_call_of_a_transport():
    calls = [name for name in vars(Transport) if not name.startswith("_")]
    assert len(calls) > 10
    for engine in (Rabbit, RedisStreams):
        assert [name for name in calls if not callable(getattr(engine, name, None))] == []
