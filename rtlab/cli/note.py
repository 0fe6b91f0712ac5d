"""`rtlab note FOLDER`: write on a recorded session, or read what was written."""

from pathlib import Path

import click

from rtlab.cli.running import settings_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("text", required=False)
@click.option("--at", help="The moment, as 2024-08-09T12:00:00 (UTC) or in ns; needed with TEXT.")
@click.option("--instrument", default="", help="The instrument it is about; all without it.")
@click.option("--by", default="", help="Who writes.")
def command(folder: Path, text: str | None, at: str | None, instrument: str, by: str) -> None:
    """Add TEXT to the session in FOLDER; without TEXT print its notes."""
    if (text is None) is not (at is None):
        raise click.UsageError("TEXT and --at belong together: a note has its moment")
    settings_of({})
    from rtlab.lab.session import RecordedSession  # late: numba costs a second
    from rtlab.store.moments import text_of

    with RecordedSession(folder) as session:
        if text is not None and at is not None:
            session.note(text, int(at) if at.isdigit() else at, symbol=instrument, by=by)
            return
        for note in session.notes:
            click.echo(
                f"{text_of(note.ts)}\t{note.symbol or '*'}\t{note.text}" + (f"\t{note.by}" if note.by else "")
            )
