"""`rtlab bench relay`: envelopes stored, acknowledged and delivered, with Redis' append-only file synced each second.

The relay and its Redis are a process each, and all devices another: sockets of their own, each with a wallet's
statement, in pairs that write to each other. An envelope is that of a short message: 256 bytes of padded content.
"""

import os
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from rtlab.cli.bench.children import Child
from rtlab.cli.bench.results import result
from rtlab.lab.messages import needing_messages

SOCKETS = 1_000
PEERS = ("Mailchain", "XMTP")


class Size(NamedTuple):
    """How much is measured: runs, sockets, envelopes of a run, seconds at half load."""

    runs: int
    sockets: int
    envelopes: int
    seconds: float


def run(quick: bool) -> dict[str, object]:
    """Measure; give results and goals as `rtlab bench --json` prints them."""
    size = Size(3, SOCKETS, 12_000, 3.0) if quick else Size(5, SOCKETS, 30_000, 8.0)
    results = list(measure(size))
    for peer in PEERS:
        reason = "its relay is a service of its maker: there is none to run here"
        results.append(result("throughput", peer, "one relay", "envelopes/s", [], reason))
    return {"results": results, "goals": list(_goals(results))}


def measure(size: Size) -> Iterator[dict[str, object]]:
    """Give the rows of this relay; MessagingError without the extra `messaging`."""
    with needing_messages():
        from rtlab.cli.bench.relay.devices import load
        from rtlab.cli.bench.relay.serving import serve
    case = f"{size.sockets} sockets"
    with Child(serve) as relay, Child(load, os.getpid()) as devices:
        devices.send((relay.receive(), size.sockets))
        yield result("sockets", "rtlab", case, "sockets", [devices.receive()])
        rates = []
        for _ in range(size.runs):
            devices.send(("all at once", size.envelopes))
            rates.append(devices.receive())
        yield result("throughput", "rtlab", case, "envelopes/s", rates)
        rate = median(rates) / 2
        devices.send(("paced", rate, size.seconds))
        times = devices.receive()
        for share in (50, 99):
            value = float(np.percentile(times, share))
            yield result(f"sent to delivered, p{share}", "rtlab", f"half load, {rate:,.0f}/s", "ms", [value])
        relay.send("count")
        counts = relay.receive()
        yield result("refused or stored twice", "rtlab", case, "envelopes", [float(counts)])


def _goals(results: Sequence[dict[str, object]]) -> Iterator[dict[str, object]]:
    bounds = {
        ("throughput", "rtlab"): (6_000, ">=", "envelopes/s"),
        ("sockets", "rtlab"): (SOCKETS, ">=", "sockets"),
    }
    for row in results:
        bound = bounds.get((str(row["name"]), str(row["contender"])))
        if bound is not None:
            least, op, unit = bound
            name = str(row["name"])
            yield {"show": 5, "name": name, "value": row["median"], "bound": least, "op": op, "unit": unit}
