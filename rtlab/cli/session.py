"""What `rtlab replay` does with a folder: a recorded session, played, steered, or checked."""

import asyncio
from pathlib import Path

import click
import msgspec

from rtlab.cli.remote import steer
from rtlab.cli.running import begun, ended_event, readers_line, run
from rtlab.config import Settings
from rtlab.errors import RtlabError
from rtlab.lab.notes import Note
from rtlab.lab.playing import Player
from rtlab.lab.server import until_ended
from rtlab.lab.session import RecordedSession
from rtlab.lab.verified import verified
from rtlab.store.moments import text_of


def check_session(
    folder: Path, settings: Settings, *, speed: float | None, batch: int, for_s: float | None = None
) -> None:
    """Replay all of a session and say what was found; ClickException when it does not hold."""
    complaint = ""

    async def main() -> None:
        nonlocal complaint
        ended = await ended_event(after_s=for_s)
        verdict = await verified(session, settings, speed=speed, batch=batch, ended=ended)
        click.echo("\n".join(verdict.lines))
        complaint = verdict.complaint(f"the session {folder}")

    with RecordedSession(folder) as session:
        run(main())
    if complaint:
        raise click.ClickException(complaint)


def play_session(
    folder: Path,
    settings: Settings,
    *,
    speed: float | None,
    start: str | None,
    end: str | None,
    page: bool,
    for_s: float | None = None,
) -> None:
    """Serve a session as a feed, and with `page` the market page of it, until its end or Ctrl-C."""

    async def main() -> None:
        ended = await ended_event(after_s=for_s)
        player = Player(session, settings, speed=speed, start=start, end=end, on_note=_say_note)
        async with player:
            begun()
            click.echo(f"{_about(session)}: feed at {player.gateway.url} (Ctrl-C ends it)")
            steering = asyncio.create_task(steer(player, click.echo))
            shown = asyncio.create_task(_show(settings, player.gateway.url, ended)) if page else None
            try:
                await until_ended(player.run(stay=page), ended)
            finally:
                ended.set()
                steering.cancel()
                if shown is not None:
                    await shown
                await asyncio.wait([steering])
            click.echo(readers_line(player.gateway.statistics()))
            if not steering.cancelled() and isinstance(steering.exception(), RtlabError):
                steering.result()

    with RecordedSession(folder) as session:
        if page:
            asyncio.run(main())  # Panel's server is tornado's, which keeps to the standard loop
        else:
            run(main())


async def _show(settings: Settings, url: str, ended: asyncio.Event) -> None:
    from rtlab.lab.serving import serve_dashboard  # late: panel costs seconds

    shown = msgspec.structs.replace(settings, url=url)
    await serve_dashboard(shown, on_ready=lambda at, feed, others: click.echo(f"page at {at}"), ended=ended)


def _about(session: RecordedSession) -> str:
    seconds = (session.end - session.start) / 1e9
    return f"{', '.join(session.instruments)} from {text_of(session.start)}, {seconds:,.0f} s"


def _say_note(note: Note) -> None:
    about = f" {note.symbol}" if note.symbol else ""
    by = f" ({note.by})" if note.by else ""
    click.echo(f"{text_of(note.ts)}{about}: {note.text}{by}")
