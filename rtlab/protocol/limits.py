"""What one connection may take and how its ladder judges it."""

import msgspec

SECOND = 1_000_000_000
"""ns"""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one connection; times in seconds, sizes in bytes."""

    heartbeat_s: float = 1.0  # the longest silence before a ping
    first_answer_s: float = 2.0  # how long the first answer may take before anything is known of the way
    slack_s: float = 0.25  # beyond the best of the last round trips, an answer is late
    round_trips: int = 20
    ask_again_s: float = 0.1
    relapse_s: float = 30.0
    degrade_after_s: float = 5.0  # of lagging
    degraded_interval_s: float = (
        0.5  # between two batches of a degraded reader; its staleness is this and the way
    )
    status_every_s: float = 1.0  # a reader that is not live is told its counts, at most this often
    evict_after_s: float = 10.0
    retry_after_s: float = 5.0  # what an evicted reader is told
    need: int = 3  # prompt answers in a row that bring a lagging reader back
    window_floor: int = 1024
    window_ceiling: int = 65536
    resync_every_s: float = 1.0
    resume_wait_s: float = 2.0  # how long a reader that is ahead of this server waits for it to catch up
    subscriptions: int = 128
    replies: int = 512  # answers to the client that wait to be sent
    messages_per_s: float = 100.0  # of the client, beside its answers to pings
    messages_burst: int = 256
    message_bytes: int = 65536  # of one message of the client
    idle_s: float = 600.0  # without a subscription; then it is closed

    def told(self) -> dict[str, float]:
        """Give what a Welcome tells the client."""
        return {
            "evict_after_s": self.evict_after_s,
            "messages_per_s": self.messages_per_s,
            "resync_every_s": self.resync_every_s,
            "subscriptions": float(self.subscriptions),
            "window": float(self.window_ceiling),
        }


def ns(seconds: float) -> int:
    """Give seconds as whole ns."""
    return round(seconds * SECOND)
