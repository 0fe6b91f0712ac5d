"""`rtlab record FOLDER`: record an engine's Redis, a feed, a live venue or a recording of one, hot and cold."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtlab.cli.durations import Duration
from rtlab.cli.running import ended_event, run, settings_of
from rtlab.embedded import EMBEDDED

if TYPE_CHECKING:
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
@click.option("--for", "for_s", type=Duration(), help="End after this long, as 20s or 2m.")
@click.option(
    "--owned", is_flag=True, help="End with the owner of standard input; say where on standard output."
)
def command(
    folder: Path,
    url: str | None,
    source: str | None,
    speed: float | None,
    for_s: float | None,
    owned: bool,
    redis_url: str | None,
    venue_url: str | None,
    hot_limit_bytes: int | None,
) -> None:
    """Record into FOLDER until told to end; it resumes where it stopped, also after a kill."""
    settings = settings_of(
        {"redis_url": redis_url, "venue_url": venue_url, "hot_limit_bytes": hot_limit_bytes}
    )
    if (url is not None) + (source is not None) > 1 or (
        url is None and source is None and settings.redis_url == EMBEDDED
    ):
        raise click.UsageError("what is to be recorded? Give one of --redis, --url and --source")
    from rtlab.lab.recording import (  # late: costs a second
        record_feed,
        record_redis,
        record_source,
        target_of,
    )
    from rtlab.lab.venues import record_live
    from rtlab.sources import open_source
    from rtlab.sources.venues import is_live

    telling: list[asyncio.Task[None]] = []

    def say(recorder: "Recorder") -> None:
        told = {"url": recorder.url, "folder": str(folder)}
        click.echo(json.dumps(told) if owned else f"recording into {folder} (Ctrl-C ends it)")
        if not owned:
            telling.append(asyncio.create_task(tell(recorder, TELL_S)))

    goes_on = source is not None and is_live(source) and not Path(source).exists()

    async def main() -> None:
        ended = await ended_event(after_s=for_s, with_owner=owned)
        target = target_of(folder)
        began = time.monotonic()
        if source is not None and goes_on:
            done = await record_live(settings, source, target, on_ready=say, ended=ended)
        elif source is not None:
            opened = open_source(source)
            done = await record_source(settings, opened, target, speed=speed, on_ready=say, ended=ended)
        elif url is not None:
            done = await record_feed(settings, url, target, on_ready=say, ended=ended)
        else:
            done = await record_redis(settings.redis_url, target, on_ready=say, ended=ended)
        for task in telling:
            task.cancel()
        told = done.statistics()
        lost = (
            f", {told.unrecorded:,} entries given up, {told.rows_lost:,} rows lost" if told.unrecorded else ""
        )
        click.echo(
            f"{told.rows:,} rows in {time.monotonic() - began:,.1f} s, {told.recovered:,} found in tails, "
            f"{told.gaps} gaps, worst lag {told.worst_lag_s:.2f} s{lost}",
            file=sys.stderr if owned else sys.stdout,
        )

    run(main())


async def tell(recorder: "Recorder", every_s: float) -> None:
    """Print how a recorder stands, again and again."""
    from rtlab.store.standing import line_of

    while True:
        await asyncio.sleep(every_s)
        click.echo(line_of(recorder.statistics()))
