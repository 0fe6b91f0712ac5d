import pytest

from rtlab.server_info import faults, is_too_old, version_of


@pytest.mark.parametrize(
    ("told", "too_old"),
    [
        ("5.0.14", True),
        ("6.0.16", True),
        ("6.2.0", False),
        ("6.3.4", False),
        ("7.0.15", False),
        ("10.0", False),
        ("nonsense", True),
        ("", True),
    ],
)
def test_the_oldest_that_will_do_is_that_which_trims_by_id(told, too_old):
    assert is_too_old({"redis_version": told}) is too_old
    assert version_of({"redis_version": told}) == told


def test_what_tells_no_version_is_too_old():
    assert is_too_old({})
    assert version_of({}) == "none"


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({}, []),
        ({"aof_enabled": 1, "maxmemory": 0, "maxmemory_policy": "noeviction"}, []),
        ({"aof_enabled": 0}, ["appendonly no"]),
        ({"aof_enabled": 1, "maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, []),
        ({"aof_enabled": 1, "maxmemory": 9, "maxmemory_policy": "noeviction"}, []),
        ({"aof_enabled": 1, "maxmemory": 9, "maxmemory_policy": "allkeys-lru"}, ["allkeys-lru"]),
        (
            {"aof_enabled": 0, "maxmemory": 9, "maxmemory_policy": "volatile-ttl"},
            ["appendonly", "volatile-ttl"],
        ),
    ],
)
def test_each_way_to_lose_what_is_held_is_told(info, told):
    found = faults(info)
    assert len(found) == len(told)
    assert all(word in fault for word, fault in zip(told, found, strict=True))
