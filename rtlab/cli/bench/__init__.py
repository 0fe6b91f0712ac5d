"""`rtlab bench NAME`: measure on this machine, side by side with the peer, in one run."""

import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

import click

from rtlab.cli.bench.everything import reports, written_into
from rtlab.cli.bench.machine import machine
from rtlab.cli.bench.printed import holds, number, table
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
    "history": "bars of 12 million trades by DuckDB, by Dask and by a graph, over the same folder",
    "cluster": "shards of a graph on a Dask cluster, beside the same shards without Dask",
    "bus": "events published, handled and acknowledged, through Redis Streams and RabbitMQ",
    "relay": "envelopes stored, acknowledged and delivered, over a thousand sockets",
    "capacity": "what one more reader, instrument, row or point costs, and a million readers, simulated",
    "lod": "one viewport of ten million points",
    "pixels": "frames and hover answers of a streaming chart, beside plain Bokeh and uPlot",
}
Report = Mapping[str, object]


@click.command()
@click.argument("name", type=click.Choice(list(BENCHES)), required=False)
@click.option("--all", "as_all", is_flag=True, help="Measure everything in turn, and make one table of it.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Of --all: write the table into this document, between its two marks.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Of --all: keep each report in this folder, and take those that are there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--quick", is_flag=True, help="Fewer runs: under 60 s.")
@click.option("--soak", type=Duration(), help="fanout: follow one gateway for so long instead, such as 10m.")
@click.option(
    "--readers", type=click.IntRange(1, 60_000), default=10_000, help="Of a soak.", show_default=True
)
@click.option("--churn", is_flag=True, help="Of a soak: readers come, go and stall.")
def command(
    name: str | None,
    as_all: bool,
    into: Path | None,
    keep: Path | None,
    as_json: bool,
    quick: bool,
    soak: float | None,
    readers: int,
    churn: bool,
) -> None:
    """Measure NAME on this machine, or --all, side by side with a peer."""
    if as_all is (name is not None):
        raise click.UsageError(f"what is to be measured? expected --all, or one of {', '.join(BENCHES)}")
    if not as_all and (into is not None or keep is not None):
        raise click.UsageError("--into and --keep are for --all")
    if soak is not None and name != "fanout":
        raise click.UsageError(f"--soak is for fanout, not for {name or '--all'}")
    if name is None:
        _measure_all(quick=quick, into=into, keep=keep, as_json=as_json)
        return
    if soak is None:
        made = cast("Callable[..., Report]", import_module(f"rtlab.cli.bench.{name}").run)(quick=quick)
    else:
        made = import_module("rtlab.cli.bench.fanout.soak").run(soak, readers, churn=churn)
    report = {"bench": name, "machine": machine(), **made}
    click.echo(json.dumps(report)) if as_json else _table(report)


def _measure_all(*, quick: bool, into: Path | None, keep: Path | None, as_json: bool) -> None:
    text = "" if into is None else into.read_text("utf-8")
    if into is not None:
        written_into(text, "")  # a document without a place is told before an hour of measuring
    made = []
    for report in reports(BENCHES, quick=quick, keep=keep):
        made.append(report)
        if "reason" in report:
            click.echo(f"{report['bench']}: not measured: {report['reason']}", err=True)
        elif not as_json:
            _table(report)
    if as_json:
        click.echo(json.dumps(made))
    if into is not None:
        into.write_text(written_into(text, table(made)), "utf-8")
    elif not as_json:
        click.echo(table(made))


def _table(report: Report) -> None:
    from rich.console import Console  # late: half of the commands need no table
    from rich.table import Table

    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 160)
    box = cast("Mapping[str, object]", report["machine"])
    console.print(
        f"[bold]rtlab bench {report['bench']}[/] on " + ", ".join(f"{k} {v}" for k, v in box.items())
    )
    rows = Table("what", "contender", "case", "median", "min", "max", "unit", "runs")
    for row in cast("list[dict[str, object]]", report["results"]):
        numbers = [number(row.get(key)) for key in ("median", "min", "max")]
        case = str(row["case"]) + (f" ({row['reason']})" if row.get("median") is None else "")
        rows.add_row(
            str(row["name"]), str(row["contender"]), case, *numbers, str(row["unit"]), str(row.get("runs"))
        )
    console.print(rows)
    for goal in cast("list[dict[str, object]]", report["goals"]):
        held = "holds" if holds(goal) else "MISSED"
        console.print(
            f"{held}: {goal['name']} {number(goal['value'])} {goal['op']} {goal['bound']} {goal['unit']}"
        )
