"""`rtlab import` and `rtlab export`: your own data into a store, and what a store holds into a file."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtlab.errors import ConfigError

if TYPE_CHECKING:
    from rtlab.model import Instrument

GRID = ("instrument", "tick_size", "lot_size")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--recording", is_flag=True, help="FILE is a recording: Binance messages or LOBSTER.")
@click.option("--instrument", help="Its symbol.")
@click.option("--tick-size", help="The least step of its prices, as 0.01.")
@click.option("--lot-size", help="The least step of its quantities, as 0.001.")
@click.option(
    "--channel",
    default="trades",
    show_default=True,
    help="trades, book, quotes, candles, or a name of your own.",
)
@click.option(
    "--columns",
    help="trades and book: ts=COLUMN,price=COLUMN,qty=COLUMN,side=COLUMN, where side says buy, bid, b or 0; "
    "or sell, ask, s or 1. Of your own: ts=COLUMN,NAME:KIND=COLUMN.",
)
@click.option(
    "--time-unit",
    type=click.Choice(["ns", "us", "ms", "s", "iso"]),
    help="Of the times: numbers since 1970, or ISO 8601 text (UTC where it names no zone).",
)
def import_command(file: Path, folder: Path, recording: bool, channel: str, **told: str | None) -> None:
    """Add FILE to the store in FOLDER: a table (CSV or Parquet), or a recording of a venue."""
    from rtlab.model import Instrument  # late: pyarrow costs half a second

    grid = [name for name in GRID if told[name] is not None]
    needed = (*GRID, "columns", "time_unit")
    if not recording and (missing := [name for name in needed if told[name] is None]):
        options = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise click.UsageError(f"a table needs {options} (or is FILE a --recording?)")
    if recording and (told["columns"] or told["time_unit"] or 0 < len(grid) < len(GRID)):
        raise click.UsageError(
            "a --recording needs no columns and no unit; all of its grid, or nothing of it"
        )
    made = None
    if grid:
        made = Instrument(
            str(told["instrument"]), _decimal(str(told["tick_size"])), _decimal(str(told["lot_size"]))
        )
    if recording:
        click.echo(_import_recording(file, folder, made))
        return
    assert made is not None
    count = _import_table(file, folder, made, channel, str(told["columns"]), str(told["time_unit"]))
    click.echo(
        f"{count:,} {'trades' if channel == 'trades' else f'rows of {channel}'} of {made.symbol} are in {folder}"
    )


def _import_table(file: Path, folder: Path, made: "Instrument", channel: str, columns: str, unit: str) -> int:
    from rtlab.store.brought import asked_of, import_own
    from rtlab.store.cold.place import LocalPlace
    from rtlab.store.tables import import_rows, mapping_of, read_table

    place = LocalPlace(folder)
    where = made, place, place.folder
    if channel in ("trades", "book"):
        mapping = mapping_of(columns)
        return import_rows(read_table(file), mapping, unit, *where, channel=channel)
    asked = asked_of(channel, columns)
    return import_own(read_table(file), asked, unit, channel, *where)


def _import_recording(file: Path, folder: Path, made: "Instrument | None") -> str:
    from rtlab.lab.importing import import_recording
    from rtlab.lab.recording import target_in
    from rtlab.sources import open_source

    opened = open_source(file, made)
    with target_in(folder) as target:
        done = import_recording(opened, target)
    return (
        f"{done.book:,} rows of book, {done.trades:,} of trades and {done.beside_rows:,} of {done.beside} "
        f"of {done.instrument} are in {folder}"
    )


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("channel")
@click.argument("instrument")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--start", help="From this moment on, as 2024-08-09T12:00:00.")
@click.option("--end", help="Up to this moment.")
def export_command(
    folder: Path, channel: str, instrument: str, file: Path, start: str | None, end: str | None
) -> None:
    """Write rows of the store in FOLDER to FILE: .csv (decimal prices) or .parquet (ticks and lots)."""
    from rtlab.store import Store
    from rtlab.store.brought import export_own
    from rtlab.store.cold.schema import CHANNELS
    from rtlab.store.tables import export_rows

    if file.suffix not in (".csv", ".parquet"):
        raise ConfigError(
            "the file's form is not known", expected="a name that ends in .csv or .parquet", got=str(file)
        )
    with Store(folder) as store:
        rows = store.read(channel, instrument, start, end)
        if channel in CHANNELS:
            export_rows(rows, store.manifest(instrument).instrument, file)
        else:
            export_own(rows, file)
    click.echo(f"{rows.num_rows:,} rows of {channel} of {instrument} are in {file}")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ConfigError("this is no decimal", expected="as 0.01", got=text) from None
