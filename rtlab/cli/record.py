"""`rtlab record FOLDER`: record an engine's Redis, a feed, a live venue or a recording of one, hot and cold."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rtlab.cli.durations import Duration
from rtlab.cli.running import begun, ended_event, run, settings_of
from rtlab.config import Settings
from rtlab.embedded import EMBEDDED

if TYPE_CHECKING:
    from rtlab.lab.raw import RawKeeper, RawStatistics
    from rtlab.lab.recording import Target
    from rtlab.store import RecorderStatistics
    from rtlab.store.recording import Recorder

TELL_S = 10.0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--redis", "redis_url", help="URL of the Redis that an engine writes to (RTLAB_REDIS_URL).")
@click.option("--url", help="Address of a feed to record, as ws://host:8765.")
@click.option(
    "--source", help="A live venue, as binance:BTCUSDT; or a recording: Binance messages or LOBSTER."
)
@click.option("--venue-url", help="Server that serves the venue's paths in its place (none).")
@click.option("--speed", type=float, help="Of a recording: as recorded is 1; as fast as possible without it.")
@click.option(
    "--hot-limit-bytes", type=int, help="What the hot side holds while the cold one is behind (256 MiB)."
)
@click.option("--raw", is_flag=True, help="Of a live venue: keep its messages as they came, too.")
@click.option("--for", "for_s", type=Duration(), help="End after this long, as 20s or 2m.")
@click.option(
    "--owned", is_flag=True, help="End with the owner of standard input; say where on standard output."
)
def command(
    folder: Path,
    url: str | None,
    source: str | None,
    speed: float | None,
    raw: bool,
    for_s: float | None,
    owned: bool,
    **flags: object,
) -> None:
    """Record into FOLDER until told to end; it resumes where it stopped, also after a kill."""
    settings, asked = settings_of(flags), Asked(url, source, speed, raw)
    _check(asked, settings)
    from rtlab.lab.recording import target_in  # late: costs a second

    telling: list[asyncio.Task[None]] = []
    kept: list[RawKeeper] = []

    def say(recorder: "Recorder") -> None:
        begun()
        told = {"url": recorder.url, "folder": str(folder)}
        click.echo(json.dumps(told) if owned else f"recording into {folder} (Ctrl-C ends it)")
        if not owned:
            telling.append(asyncio.create_task(tell(recorder, TELL_S)))

    async def main() -> None:
        ended = await ended_event(after_s=for_s, with_owner=owned)
        began = time.monotonic()
        with target_in(folder) as target:
            done = await _record(asked, settings, target, say, kept.append, ended)
        for task in telling:
            task.cancel()
        out = sys.stderr if owned else sys.stdout
        click.echo(ended_line(done.statistics(), time.monotonic() - began), file=out)
        for one in kept:
            click.echo(raw_line(one.venue, one.statistics()), file=out)

    run(main())


class Asked(NamedTuple):
    """What is to be recorded."""

    url: str | None
    source: str | None
    speed: float | None
    raw: bool

    @property
    def is_live(self) -> bool:
        """Whether it is a venue that goes on."""
        from rtlab.sources.venues import is_live  # late: costs a second

        return self.source is not None and is_live(self.source) and not Path(self.source).exists()


def _check(asked: Asked, settings: Settings) -> None:
    named = (asked.url is not None) + (asked.source is not None)
    if named > 1 or (named == 0 and settings.redis_url == EMBEDDED):
        raise click.UsageError("what is to be recorded? Give one of --redis, --url and --source")
    if asked.url == "demo":  # what the setting calls a market of its own
        raise click.UsageError(
            "a simulated market is recorded from its feed: `rtlab serve`, and --url ws://127.0.0.1:8765"
        )
    if asked.raw and not asked.is_live:
        raise click.UsageError("--raw keeps a live venue's messages: give --source VENUE:INSTRUMENT")


async def _record(
    asked: Asked,
    settings: Settings,
    target: "Target",
    say: Callable[["Recorder"], None],
    say_raw: Callable[["RawKeeper"], None],
    ended: asyncio.Event,
) -> "Recorder":
    from rtlab.lab.recording import record_feed, record_redis, record_source
    from rtlab.lab.venues import record_live
    from rtlab.sources import open_source

    told: Any = {"on_ready": say, "ended": ended}
    if asked.source is not None and asked.is_live:
        told["on_raw"] = say_raw if asked.raw else None
        return await record_live(settings, asked.source, target, **told)
    if asked.source is not None:
        opened = open_source(asked.source)
        return await record_source(settings, opened, target, speed=asked.speed, **told)
    if asked.url is not None:
        return await record_feed(settings, asked.url, target, **told)
    return await record_redis(settings.redis_url, target, **told)


def ended_line(told: "RecorderStatistics", seconds: float) -> str:
    """Say what a recorder that has ended did."""
    given_up = f", {told.unrecorded:,} entries given up" if told.unrecorded else ""
    lost = f", {told.rows_lost:,} rows lost" if told.rows_lost else ""
    return (
        f"{told.rows:,} rows in {seconds:,.1f} s, {told.recovered:,} found in tails, "
        f"{told.gaps} gaps, worst lag {told.worst_lag_s:.2f} s{given_up}{lost}"
    )


def raw_line(venue: str, told: "RawStatistics") -> str:
    """Say what was kept of a venue's messages."""
    lost = f", {told.dropped + told.waiting:,} NOT kept" if told.dropped or told.waiting else ""
    return f"{told.safe:,} raw messages of {venue}, {told.safe_bytes:,} bytes{lost}"


async def tell(recorder: "Recorder", every_s: float) -> None:
    """Print how a recorder stands, again and again."""
    from rtlab.store.standing import line_of

    while True:
        await asyncio.sleep(every_s)
        click.echo(line_of(recorder.statistics()))
