"""`rtlab journal verify | dump | replay`: look into the folder of an engine's journal."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

FOLDER = click.argument("folder", type=click.Path(path_type=Path))


@click.group()
def command() -> None:
    """Verify, print or replay the journal of an engine, while no engine writes it."""


@command.command()
@FOLDER
def verify(folder: Path) -> None:
    """Check every byte; the first that is wrong is told with its file and offset, and ends with status 2."""
    from rtlab.engine.journal import verify_journal  # late: numba costs a second

    verdict = verify_journal(folder)
    click.echo(
        f"{folder}: sound: commands {verdict.first:,} to {verdict.commands:,} in {verdict.batches:,} batches, "
        f"{verdict.segments} segments, {verdict.bytes:,} bytes; snapshots after "
        + ", ".join(f"{commands:,}" for commands in verdict.snapshots)
    )
    if verdict.torn is not None:
        click.echo(
            f"{verdict.torn}: {verdict.torn_bytes:,} bytes at its end are of a batch that was never acknowledged; "
            "they are cut off when an engine opens the journal"
        )


@command.command()
@FOLDER
@click.option("--from", "first", type=click.IntRange(0), default=0, help="Number of the first command.")
@click.option("--count", type=click.IntRange(1), help="How many (all).")
def dump(folder: Path, first: int, count: int | None) -> None:
    """Print the commands that are there, one JSON object a line; fields that are 0 are left out."""
    for number, line in _lines(folder, first):
        if count is not None and number >= first + count:
            return
        click.echo(line)


@command.command()
@FOLDER
@click.option(
    "--to", type=click.IntRange(0), help="Number of the command after whose batch it ends (the last)."
)
def replay(folder: Path, to: int | None) -> None:
    """Run the commands again from the oldest snapshot, hold the later ones against it, and show the books."""
    from rtlab.engine.journal import replay_journal

    began = time.perf_counter()
    replayed = replay_journal(folder, to=to)
    took = time.perf_counter() - began
    commands = replayed.commands - replayed.first
    click.echo(
        f"{folder}: commands {replayed.first:,} to {replayed.commands:,} gave {replayed.events:,} events, "
        f"CRC-32 {replayed.checksum:08x}, in {took:.2f} s ({commands / took:,.0f} commands/s)"
    )
    for at in replayed.snapshots:
        click.echo(f"the snapshot after {at:,} is what they lead to")
    for instrument in replayed.engine.instruments:
        bids, asks = replayed.engine.book(instrument.symbol)
        sides = (
            f"{len(side)} levels, best {side[0][0]} x {side[0][1]}" if side else "empty"
            for side in (bids, asks)
        )
        click.echo("{}: bids {}; asks {} (ticks x lots)".format(instrument.symbol, *sides))


def _lines(folder: Path, first: int) -> Iterator[tuple[int, str]]:
    from rtlab.engine.journal import commands_from
    from rtlab.model import COMMAND, CommandKind, OrderType, Phase, Side, TimeInForce

    codes: dict[str, Any] = {
        "kind": CommandKind,
        "side": Side,
        "order_type": OrderType,
        "tif": TimeInForce,
        "phase": Phase,
    }
    named = {name: {int(one): one.name for one in kind} for name, kind in codes.items()}
    names = COMMAND.names or ()
    for number, rows in commands_from(folder, first):
        for at, row in enumerate(rows.tolist()):
            fields = {
                name: named[name].get(value, value) if name in named else value
                for name, value in zip(names, row, strict=True)
                if value or name in ("kind", "side")
            }
            yield number + at, json.dumps({"command": number + at, **fields})
