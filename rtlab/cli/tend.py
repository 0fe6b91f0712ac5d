"""`rtlab tend FOLDER`: compact a store's small files, drop what is too old, and check the rest."""

import sys
import time
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--keep", help="Drop days that are wholly older than this, as 7d; keeps everything without it.")
@click.option("--target-mb", type=click.IntRange(1, 4096), default=16, show_default=True, help="Of a file.")
@click.option("--check", is_flag=True, help="Compare every file with its checksum.")
def command(folder: Path, keep: str | None, target_mb: int, check: bool) -> None:
    """Compact the store in FOLDER; may run beside a recorder, be ended at any point and run again."""
    from rtlab.store.api import Store  # late: pyarrow and duckdb
    from rtlab.store.moments import span_ns

    def progress(done: int, of: int) -> None:
        click.echo(f"  {done} of {of} files made", err=True, nl=done == of or not sys.stderr.isatty())

    since = None if keep is None else time.time_ns() - span_ns(keep)
    with Store(folder) as store:
        for symbol, done in store.compact(target_bytes=target_mb << 20, on_progress=progress).items():
            click.echo(f"{symbol}: {done.dropped} files became {done.made}, {done.swept} swept")
        if since is not None:
            for symbol, done in store.retain(since=since).items():
                click.echo(f"{symbol}: {done.rows_dropped:,} rows in {done.dropped} files dropped")
        if check:
            click.echo(f"{store.check()} files are as they were made")
