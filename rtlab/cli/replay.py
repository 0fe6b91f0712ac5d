"""`rtlab replay FILE`: send a recording through the feed, and check what arrives."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from rtlab.cli.running import ended_event, run, settings_of


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Compare the client's book with what the venue says of itself.")
@click.option("--speed", type=float, help="As recorded is 1 (the default); 10 is ten times faster.")
@click.option("--as-fast-as-possible", "unpaced", is_flag=True, help="Do not wait between records.")
@click.option("--host", help="Address to bind (127.0.0.1).")
@click.option("--port", type=int, help="Port of the feed; a free one with --verify, else 8765.")
def command(file: Path, verify: bool, speed: float | None, unpaced: bool, **flags: object) -> None:
    """Serve FILE (Binance messages, or either file of a LOBSTER pair) as a feed."""
    if speed is not None and unpaced:
        raise click.UsageError("--speed and --as-fast-as-possible exclude each other: give one")
    if verify and flags["port"] is None:
        flags["port"] = 0
    settings = settings_of(flags)
    from rtlab.lab.replay import Replay  # late: numba and websockets cost a second
    from rtlab.sources import open_source

    source = open_source(file)
    symbol = source.instruments[0].symbol
    wanted = None if unpaced else speed if speed is not None else 1.0
    failed: list[str] = []

    async def main() -> None:
        replay = Replay(source, settings, speed=wanted, verify=verify)
        ended = await ended_event()
        verdict = await replay.run(
            ended,
            lambda url: click.echo(f"{symbol} from {file.name}: feed at {url} (Ctrl-C ends it)"),
            _progress(),
        )
        if verdict is not None:
            click.echo("\n".join(verdict.lines))
            failed.extend([] if verdict.holds else [symbol])

    run(main())
    if failed:
        raise click.ClickException(f"the replay of {file} does not hold: see above")


def _progress() -> Callable[[int, int], None]:
    """Say every second on a terminal, every ten elsewhere, how far it is."""
    pause = 1.0 if sys.stderr.isatty() else 10.0
    due = time.monotonic() + pause

    def step(played: int, ns: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + pause
            click.echo(f"  {played:,} steps, {ns / 1e9:,.0f} s of the market", err=True)

    return step
