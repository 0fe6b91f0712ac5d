"""`rtlab replay`: send a venue's recording or a recorded session through the feed, and check what arrives."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from rtlab.cli.durations import Duration
from rtlab.cli.running import begun, ended_event, readers_line, run, settings_of


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Compare what arrives with what the venue, or the folder, says.")
@click.option("--speed", type=float, help="As recorded is 1 (the default); 10 is ten times faster.")
@click.option("--as-fast-as-possible", "unpaced", is_flag=True, help="Do not wait between records.")
@click.option("--for", "for_s", type=Duration(), help="End after this long, as 20s or 2m.")
@click.option("--from", "start", help="Of a session: the moment to begin at, as 2024-08-09T12:00:00 (UTC).")
@click.option("--to", "end", help="Of a session: the moment to end before.")
@click.option("--page", is_flag=True, help="Of a session: serve the market page as well.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1000,
    help="With --verify: rows a frame.",
    show_default=True,
)
@click.option("--host", help="Address to bind (127.0.0.1).")
@click.option("--port", type=int, help="Port of the feed; a free one with --verify, else 8765.")
@click.option("--dashboard-port", type=int, help="Port of the page (5006); 0 takes a free one.")
def command(
    file: Path,
    verify: bool,
    speed: float | None,
    unpaced: bool,
    for_s: float | None,
    start: str | None,
    end: str | None,
    page: bool,
    batch: int,
    **flags: object,
) -> None:
    """Serve FILE as a feed: Binance messages, either file of a LOBSTER pair, or the folder of a recorded session.

    A session can be steered while it plays, by words typed or written to standard input: seek, speed, hold, go,
    where, note. Its notes are told when their moment comes.
    """
    if speed is not None and unpaced:
        raise click.UsageError("--speed and --as-fast-as-possible exclude each other: give one")
    if verify and flags["port"] is None:
        flags["port"] = 0
    parts = start is not None or end is not None or page
    if parts and (verify or not file.is_dir()):
        raise click.UsageError("--from, --to and --page are for playing the folder of a session")
    settings = settings_of(flags)
    if file.is_dir():
        from rtlab.cli.session import check_session, play_session  # late: as below

        if verify:
            check_session(file, settings, speed=speed, batch=batch, for_s=for_s)
        else:
            paced = None if unpaced else speed if speed is not None else 1.0
            play_session(file, settings, speed=paced, start=start, end=end, page=page, for_s=for_s)
        return
    from rtlab.lab.replay import Replay  # late: numba and websockets cost a second
    from rtlab.sources import open_source

    source = open_source(file)
    symbol = source.instruments[0].symbol
    wanted = None if unpaced else speed if speed is not None else 1.0
    complaint = ""

    def say(url: str) -> None:
        begun()
        click.echo(f"{symbol} from {file.name}: feed at {url} (Ctrl-C ends it)")

    async def main() -> None:
        nonlocal complaint
        ended = await ended_event(after_s=for_s)
        replay = Replay(source, settings, speed=wanted, verify=verify)
        verdict = await replay.run(ended, say, _progress())
        if verdict is not None:
            click.echo("\n".join(verdict.lines))
            complaint = verdict.complaint(f"the replay of {file}")
        else:
            over = "" if ended.is_set() else "the recording is over; "
            click.echo(over + readers_line(replay.server.gateway.statistics()))

    run(main())
    if complaint:
        raise click.ClickException(complaint)


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
