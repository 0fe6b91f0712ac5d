"""What a server of the Redis protocol tells of itself (INFO), held against what is asked of it. Pure."""

from collections.abc import Mapping

OLDEST = (6, 2)
"""Streams that are trimmed by id came with Redis 6.2. Valkey and KeyDB tell the version of Redis that they equal."""
OLDEST_BUS = (7, 0)
"""Scripts that say which keys they need (`#!lua flags=`) came with Redis 7.0."""

_FORGETS = "keeps nothing on its disk (appendonly no): what is not recorded yet is lost with it"
_EVICTS = "throws keys away when its memory is full (maxmemory-policy {}): noeviction loses nothing unseen"


def is_too_old(info: Mapping[str, object], oldest: tuple[int, int] = (0, 0)) -> bool:
    """Tell whether a server is older than OLDEST or `oldest`, or tells no version."""
    parts = version_of(info).split(".")[:2]
    return not all(part.isdecimal() for part in parts) or tuple(map(int, parts)) < max(OLDEST, oldest)


def version_of(info: Mapping[str, object]) -> str:
    """Give the version as it is told."""
    return str(info.get("redis_version", "none"))


def faults(info: Mapping[str, object]) -> list[str]:
    """Say how a server may lose what it holds; nothing where it does not."""
    policy = str(info.get("maxmemory_policy", "noeviction"))
    evicts = policy != "noeviction" and str(info.get("maxmemory", 0)) != "0"
    forgets = str(info.get("aof_enabled", 1)) == "0"
    return [_FORGETS] * forgets + [_EVICTS.format(policy)] * evicts
