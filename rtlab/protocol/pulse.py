"""How often readers are asked for a sign of life: together at most so many times a second."""

from rtlab.protocol.limits import SECOND, Limits, ns

PINGS_PER_S = 1_000  # a ping and its answer cost a server about 40 us: this is 4 % of one core
_BURST_S = 0.05


class Pulse:
    """The heartbeat of all readers of one gateway, stretched when they are many; `now` is monotonic ns.

    `stretched` counts the pings that were due and waited because others took their turn. `silent_ms` is for how long
    nothing was heard of what the gateway serves, 0 when all is well.
    """

    def __init__(self, limits: Limits, pings_per_s: int = PINGS_PER_S) -> None:
        self.pings_per_s = pings_per_s
        self.shortest = self.heartbeat = ns(limits.heartbeat_s)
        self.asked = self.stretched = 0
        self.silent_ms = 0.0
        self._step = SECOND // pings_per_s
        self._due = 0  # when the next ping would be due if all came evenly

    def stretch(self, readers: int) -> None:
        """Lengthen the heartbeat so that `readers` of them fit into the rate with a fifth to spare."""
        self.heartbeat = max(self.shortest, readers * self._step * 5 // 4)

    def take(self, wanted: int, now: int) -> int:
        """Give how many of `wanted` pings may go now."""
        self._due = max(self._due, now - round(_BURST_S * SECOND))
        granted = min(wanted, max(0, (now - self._due) // self._step))
        self._due += granted * self._step
        self.asked += granted
        self.stretched += wanted - granted
        return granted
