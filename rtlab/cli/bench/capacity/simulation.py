"""A million readers over many gateways, from what one gateway was measured to cost.

What is assumed, and not measured:

- Every reader gets `sends_per_s` messages of `send_bytes`, which is what its depth and rate leave of the market; all
  gateways fold the whole market, each for itself.
- A gateway has one core, of which `most_busy` may be used in steady state: the rest is for who comes, and for bursts.
- A proxy sends who comes to the gateway with the fewest readers (`least_conn`), and knows that number exactly.
- There is one gateway more than it takes, so that one may die. It is not replaced while we look. Its readers notice
  at once, come back after a random time within `retry_s`, and are let in at `accept_per_s` a gateway; who is not let
  in comes again after a random second.
- One host's network is not shared by so many gateways that it is full: what it must carry is told.
- Costs are those of readers of one instrument on loopback. A real network's cost lies in its card's interrupts.
"""

from math import ceil
from typing import NamedTuple

import numpy as np

from rtlab.errors import ConfigError

STEP_S = 0.1


class Costs(NamedTuple):
    """Of one gateway: CPU us a send, CPU us a change of the market, CPU us and KiB a reader that comes."""

    send_us: float
    change_us: float
    accept_us: float
    reader_kib: float


class Plan(NamedTuple):
    """What is asked for (see above); `changes_per_s` is the whole market, `sockets` what a gateway may hold."""

    readers: int = 1_000_000
    sends_per_s: float = 5.0
    send_bytes: int = 60
    changes_per_s: float = 2_000.0
    most_busy: float = 0.5
    sockets: int = 16_384
    accept_per_s: float = 1_000.0
    retry_s: float = 5.0


class Capacity(NamedTuple):
    """What it takes. `busy` is a share of a core; the `lost` are the readers of one gateway that died."""

    gateways: int
    readers_each: int
    bound_by: str
    busy: float
    memory_mib: float
    egress_mbit: float
    lost: int
    back_p50_s: float
    back_p99_s: float
    back_all_s: float
    busy_then: float


def gateways_for(costs: Costs, plan: Plan) -> tuple[int, str]:
    """Give how many gateways it takes, one to spare, and what bounds them.

    ConfigError when not even the market and one reader fit into one.
    """
    left = plan.most_busy - plan.changes_per_s * costs.change_us / 1e6
    by_core = left / (plan.sends_per_s * costs.send_us / 1e6)
    if by_core < 1:
        raise ConfigError("no gateway can fold this market and serve a reader", got=plan)
    most = min(int(by_core), plan.sockets)
    return ceil(plan.readers / most) + 1, "its core" if by_core < plan.sockets else "sockets"


def simulate(costs: Costs, plan: Plan, *, seed: int = 1) -> Capacity:
    """Let a gateway die among as many as it takes, and its readers come back to the others."""
    gateways, bound_by = gateways_for(costs, plan)
    each = ceil(plan.readers / gateways)
    steady = _busy(costs, plan, each)
    took, most, accepted = _come_back(plan, gateways, each, np.random.default_rng(seed))
    then = _busy(costs, plan, most) + accepted * costs.accept_us / 1e6
    p50, p99, last = np.percentile(took, [50, 99, 100])
    return Capacity(
        gateways,
        each,
        bound_by,
        steady,
        each * costs.reader_kib / 1024,
        each * plan.sends_per_s * plan.send_bytes * 8 / 1e6,
        each,
        float(p50),
        float(p99),
        float(last),
        then,
    )


def _busy(costs: Costs, plan: Plan, readers: int) -> float:
    return (plan.changes_per_s * costs.change_us + readers * plan.sends_per_s * costs.send_us) / 1e6


def _come_back(
    plan: Plan, gateways: int, each: int, random: np.random.Generator
) -> tuple[np.ndarray, int, float]:
    """Give when each lost reader was back (s), the readers of the fullest gateway, and its most accepts a second."""
    left = gateways - 1
    readers = np.full(left, each, np.int64)
    due = np.sort(random.uniform(0, plan.retry_s, each))
    back: list[np.ndarray] = []
    now, most = 0.0, 0.0
    while len(due):
        now += STEP_S
        at_the_door = np.searchsorted(due, now)
        room = min(int(at_the_door), int(plan.accept_per_s * STEP_S) * left)
        np.add.at(readers, np.argsort(readers, kind="stable")[np.arange(room) % left], 1)
        most = max(most, ceil(room / left) / STEP_S)
        back.append(np.full(room, now))
        refused = now + random.uniform(0, 1, int(at_the_door) - room)
        due = np.sort(np.concatenate([due[at_the_door:], refused]))
    return np.concatenate(back), int(readers.max()), most
