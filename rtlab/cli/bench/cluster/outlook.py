"""What more machines would do: reckoned from what one row costs each part, and measured by nobody."""

from typing import NamedTuple

from rtlab.cli.bench.cluster.race import Measured


class Outlook(NamedTuple):
    """The bounds of a deployment whose parts each cost per row what was measured."""

    rate_of_core: float  # rows a second that one core folds
    rate_of_redis: float  # rows a second at which a Redis, which has one thread, has no time left
    mb_per_s: float  # that go through its network then
    cores_of_redis: float  # that fold as much as one Redis carries
    shards_of_scheduler: float  # at which the scheduler, which has one thread, has no time left

    def rate(self, cores: int) -> float:
        """Give the rows a second of so many cores that fold, with one Redis and one scheduler beside them."""
        return min(cores * self.rate_of_core, self.rate_of_redis)


def outlook(one: Measured, most: Measured, shards: int) -> Outlook:
    """Reckon from a race of one shard, and for the scheduler from one of so many `shards`."""
    core, redis = one.rows / one.folding_s, one.rows / one.redis_s
    busy = most.scheduling_s / most.lasted_s / shards  # of a core, for each shard
    return Outlook(core, redis, redis * one.carried / one.rows / 1e6, redis / core, 1 / busy)
