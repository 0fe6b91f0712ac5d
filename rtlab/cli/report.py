"""`rtlab report FOLDER`: one HTML file of a recorded session, with its plots, that needs nothing else."""

from pathlib import Path

import click

from rtlab.cli.running import settings_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write (FOLDER/report.html).",
)
@click.option("--title", default="", help="The title of the page.")
def command(folder: Path, output: Path | None, title: str) -> None:
    """Make one self-contained HTML page of the session in FOLDER: plots, numbers, notes, and what is missing."""
    settings_of({})
    from rtlab.lab.report import report_of  # late: bokeh costs seconds
    from rtlab.lab.session import RecordedSession
    from rtlab.views.report import page

    target = folder / "report.html" if output is None else output
    with RecordedSession(folder) as session:
        text = page(report_of(session, title=title))
    try:
        target.write_text(text, "utf-8")
    except OSError as problem:
        raise click.ClickException(f"{target} cannot be written: {problem.strerror}") from None
    click.echo(f"{target}: {len(text.encode()) / 1e6:.1f} MB")
