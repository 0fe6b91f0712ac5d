"""How often and how soon an event is tried again."""

from random import Random

import msgspec

from rtlab.errors import BusError


class Retry(msgspec.Struct, frozen=True):
    """`tries` in all; before the next one `first_s` seconds, doubled each time up to `most_s`, less a random share.

    Full jitter over the upper half: the wait is uniform in [half, whole], so that consumers that failed together
    do not come back together.
    """

    tries: int = 5
    first_s: float = 0.1
    most_s: float = 30.0

    def __post_init__(self) -> None:
        if self.tries < 1 or self.first_s < 0 or self.most_s < self.first_s:
            raise BusError(
                "these retries make no sense", expected="tries >= 1, 0 <= first_s <= most_s", got=self
            )

    def wait_s(self, failed: int, random: Random) -> float:
        """Give how long to wait after `failed` tries (from 1)."""
        whole = min(self.most_s, self.first_s * 2.0 ** min(failed - 1, 60))
        return whole * (0.5 + 0.5 * random.random())
