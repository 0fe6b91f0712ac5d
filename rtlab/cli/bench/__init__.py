"""`rtlab bench NAME`: measure on this machine, side by side with the peer, in one run."""

import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

import click

from rtlab.cli.bench.machine import machine
from rtlab.cli.durations import Duration

BENCHES = {
    "engine": "commands through the matching engine",
    "journal": "commands on the disk before they are done, beside the disk alone and SQLite",
    "flow": "one order from submit to a client's book, and to a pixel",
    "fanout": "one send to one reader of thousands, beside raw send() and the usual servers",
    "bandwidth": "bytes of increments beside full-state pushes, recorded and simulated",
    "scale": "one engine through Redis into two gateways, beside one process",
    "slow": "readers that take 3 kB/s or nothing any more, and what they do to the others",
    "store": "recording, asking and hot reading, beside ArcticDB and plain XADD",
    "pipelines": "rows through a graph of analytics, beside streamz, bytewax, csp and pathway",
    "cluster": "shards of a graph on a Dask cluster, beside the same shards without Dask",
    "bus": "events published, handled and acknowledged, through Redis Streams and RabbitMQ",
    "relay": "envelopes stored, acknowledged and delivered, over a thousand sockets",
    "capacity": "what one more reader, instrument, row or point costs, and a million readers, simulated",
    "lod": "one viewport of ten million points",
    "pixels": "frames and hover answers of a streaming chart, beside plain Bokeh and uPlot",
}
Report = Mapping[str, object]


@click.command()
@click.argument("name", type=click.Choice(list(BENCHES)))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--quick", is_flag=True, help="Fewer runs: under 60 s.")
@click.option("--soak", type=Duration(), help="fanout: follow one gateway for so long instead, such as 10m.")
@click.option(
    "--readers", type=click.IntRange(1, 60_000), default=10_000, help="Of a soak.", show_default=True
)
@click.option("--churn", is_flag=True, help="Of a soak: readers come, go and stall.")
def command(name: str, as_json: bool, quick: bool, soak: float | None, readers: int, churn: bool) -> None:
    """Measure NAME on this machine, side by side with a peer."""
    if soak is not None and name != "fanout":
        raise click.UsageError(f"--soak is for fanout, not for {name}")
    if soak is None:
        made = cast("Callable[..., Report]", import_module(f"rtlab.cli.bench.{name}").run)(quick=quick)
    else:
        made = import_module("rtlab.cli.bench.fanout.soak").run(soak, readers, churn=churn)
    report = {"bench": name, "machine": machine(), **made}
    click.echo(json.dumps(report)) if as_json else _table(report)


def _table(report: Report) -> None:
    from rich.console import Console  # late: half of the commands need no table
    from rich.table import Table

    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 160)
    box = cast("Mapping[str, object]", report["machine"])
    console.print(
        f"[bold]rtlab bench {report['bench']}[/] on " + ", ".join(f"{k} {v}" for k, v in box.items())
    )
    table = Table("what", "contender", "case", "median", "min", "max", "unit", "runs")
    for row in cast("list[dict[str, object]]", report["results"]):
        numbers = [_number(row.get(key)) for key in ("median", "min", "max")]
        case = str(row["case"]) + (f" ({row['reason']})" if row.get("median") is None else "")
        table.add_row(
            str(row["name"]), str(row["contender"]), case, *numbers, str(row["unit"]), str(row.get("runs"))
        )
    console.print(table)
    for goal in cast("list[dict[str, object]]", report["goals"]):
        held = "holds" if _holds(goal) else "MISSED"
        console.print(
            f"{held}: {goal['name']} {_number(goal['value'])} {goal['op']} {goal['bound']} {goal['unit']}"
        )


def _holds(goal: Mapping[str, object]) -> bool:
    if goal["value"] is None:
        return False
    value, bound = float(str(goal["value"])), float(str(goal["bound"]))
    return value <= bound if goal["op"] == "<=" else value >= bound


def _number(value: object) -> str:
    if value is None:
        return "-"
    number = float(str(value))
    return f"{number:,.4g}" if abs(number) < 1e4 else f"{number:,.0f}"
