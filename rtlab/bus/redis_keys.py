"""The names of the bus's keys on Redis; those of one shard share a hash tag."""

from typing import Self

from rtlab.bus.event import Topic

TOPICS = "rtlab:bus:topics"
"""Hash of the topics that were declared: name to msgpack."""


class Keys:
    """The keys of one shard of a topic."""

    __slots__ = ("_base", "delayed", "events", "published")

    def __init__(self, topic: str, shard: int) -> None:
        self._base = f"rtlab:bus:{{{topic}/{shard}}}"
        self.events, self.published = f"{self._base}:events", f"{self._base}:published"
        self.delayed = f"{self._base}:delayed"

    def group(self, group: str) -> str:
        """Name the hash of a group: lease, position, mark."""
        return f"{self._base}:group:{group}"

    def dead(self, group: str) -> str:
        """Name the hash of a group's dead letters: event id to letter."""
        return f"{self._base}:dead:{group}"

    @classmethod
    def all(cls, topic: Topic[object]) -> list[Self]:
        """Give the keys of every shard."""
        return [cls(topic.name, shard) for shard in range(topic.shards)]


def members_key(topic: str, group: str) -> str:
    """Name the sorted set of a group's members, by the time when each is one no more."""
    return f"rtlab:bus:{{{topic}}}:members:{group}"
