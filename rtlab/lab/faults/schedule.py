"""What goes wrong, when, for how long and for whom: plain values, drawn from a seed."""

from random import Random
from typing import NamedTuple

from rtlab.lab.faults.proxy import LossyProxy

GATEWAY = -1  # whom: the gateway itself, else the number of a reader

# what: (least, most) of its amount; for so long as a share of the run
ON_LINES: dict[str, tuple[float, float]] = {
    "delay": (0.005, 0.15),  # s
    "jitter": (0.005, 0.1),  # s
    "loss": (0.01, 0.2),  # share of segments
    "throttle": (2_000.0, 40_000.0),  # bytes a second
    "stall": (0.0, 0.0),
    "half-open": (0.0, 0.0),
    "split": (1.0, 60.0),  # bytes
    "glue": (500.0, 20_000.0),  # bytes
    "cut": (0.0, 0.0),
    "refuse": (0.0, 0.0),
}
ON_GATEWAY = ("restart", "die")  # it says goodbye, or not; its market lives on
ON_PROCESS = ("kill", "freeze")  # SIGKILL: market and history die with it; SIGSTOP
_AT_ONCE = ("cut", "restart", "die", "kill")  # have no duration of their own


class Fault(NamedTuple):
    """`what` happens to `whom` (the number of a reader, or GATEWAY) at `at_s` for `for_s`."""

    at_s: float
    for_s: float
    whom: int
    what: str
    amount: float = 0.0

    def __str__(self) -> str:
        whom = "gateway" if self.whom == GATEWAY else f"reader {self.whom}"
        amount = f" {self.amount:.4g}" if self.amount else ""
        lasting = "" if self.what in _AT_ONCE else f" for {self.for_s:.2f} s"
        return f"{self.at_s:.2f} s: {whom}: {self.what}{amount}{lasting}"


def draw_schedule(random: Random, *, readers: int, seconds: float, process: bool) -> list[Fault]:
    """Draw what goes wrong in a run of `seconds` with so many readers, by time.

    With `process` the gateway is a process of its own, which is killed or frozen; else it is restarted, or dies.
    """
    faults = []
    for whom in range(readers):
        for _ in range(random.randint(2, 4)):
            what = random.choice(list(ON_LINES))
            amount = random.uniform(*ON_LINES[what])
            faults.append(_fault(random, seconds, whom, what, round(amount) if amount > 1 else amount))
    kinds = ON_PROCESS if process else ON_GATEWAY
    for _ in range(1 if process else random.randint(0, 2)):
        faults.append(_fault(random, seconds, GATEWAY, random.choice(kinds)))
    return sorted(faults)


def _fault(random: Random, seconds: float, whom: int, what: str, amount: float = 0.0) -> Fault:
    at_s = random.uniform(0.0, 0.8 * seconds)
    return Fault(at_s, random.uniform(0.1, 0.4) * seconds, whom, what, amount)


def begin(fault: Fault, proxy: LossyProxy) -> None:
    """Do to a reader's line what `fault` says."""
    line, amount = proxy.line, fault.amount
    match fault.what:
        case "delay":
            line.delay_s = amount
        case "jitter":
            line.jitter_s = amount
        case "loss":
            line.loss = amount
        case "throttle":
            line.bytes_per_s = amount
        case "stall":
            line.stalled = True
        case "half-open":
            line.deaf = True
        case "split":
            line.split = round(amount)
        case "glue":
            line.glue = round(amount)
        case "cut":
            proxy.cut()
        case "refuse":
            proxy.refusing = True
            proxy.cut()


def end(fault: Fault, proxy: LossyProxy, *, bytes_per_s: float | None = None) -> None:
    """Undo it; `bytes_per_s` is how fast the line is when nothing is wrong with it."""
    line = proxy.line
    match fault.what:
        case "delay":
            line.delay_s = 0.0
        case "jitter":
            line.jitter_s = 0.0
        case "loss":
            line.loss = 0.0
        case "throttle":
            line.bytes_per_s = bytes_per_s
        case "stall":
            line.stalled = False
        case "half-open":
            line.deaf = False
        case "split":
            line.split = 0
        case "glue":
            line.glue = 0
        case "refuse":
            proxy.refusing = False
