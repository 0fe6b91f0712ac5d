from support.bus_events import counted_topic

from rtlab.bus.redis_keys import Keys, members_key


def test_keys_of_a_shard_share_a_hash_tag_and_differ():
    keys = Keys("fills", 3)
    names = [keys.events, keys.published, keys.delayed, keys.group("a"), keys.group("b"), keys.dead("a")]
    assert len(set(names)) == len(names)
    assert {name[name.index("{") : name.index("}") + 1] for name in names} == {"{fills/3}"}
    assert members_key("fills", "a") != members_key("fills", "b")


def test_there_are_keys_for_every_shard():
    assert len({keys.events for keys in Keys.all(counted_topic(shards=5))}) == 5
