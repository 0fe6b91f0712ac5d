"""`rtlab import` and `rtlab export`: your own data into a store, and what a store holds into a file."""

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from rtlab.errors import ConfigError


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--instrument", required=True, help="Its symbol.")
@click.option("--tick-size", required=True, help="The least step of its prices, as 0.01.")
@click.option("--lot-size", required=True, help="The least step of its quantities, as 0.001.")
@click.option("--columns", required=True, help="ts=COLUMN,price=COLUMN,qty=COLUMN,side=COLUMN (aggressor).")
@click.option("--time-unit", type=click.Choice(["ns", "us", "ms", "s"]), required=True, help="Of the times.")
def import_command(
    file: Path, folder: Path, instrument: str, tick_size: str, lot_size: str, columns: str, time_unit: str
) -> None:
    """Add the trades of FILE (CSV or Parquet) to the store in FOLDER. Recordings: `rtlab record --source`."""
    from rtlab.model import Instrument  # late: pyarrow costs half a second
    from rtlab.store.cold.place import LocalPlace
    from rtlab.store.tables import import_trades, mapping_of, read_table

    made = Instrument(instrument, _decimal(tick_size), _decimal(lot_size))
    mapping = mapping_of(columns)
    place = LocalPlace(folder)
    count = import_trades(read_table(file), mapping, time_unit, made, place, place.folder)
    click.echo(f"{count:,} trades of {instrument} are in {folder}")


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("channel", type=click.Choice(["book", "trades", "levels"]))
@click.argument("instrument")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--start", help="From this moment on, as 2024-08-09T12:00:00.")
@click.option("--end", help="Up to this moment.")
def export_command(
    folder: Path, channel: str, instrument: str, file: Path, start: str | None, end: str | None
) -> None:
    """Write rows of the store in FOLDER to FILE: .csv (decimal prices) or .parquet (ticks and lots)."""
    from rtlab.store import Store
    from rtlab.store.tables import export_rows

    if file.suffix not in (".csv", ".parquet"):
        raise ConfigError(
            "the file's form is not known", expected="a name that ends in .csv or .parquet", got=str(file)
        )
    with Store(folder) as store:
        rows = store.read(channel, instrument, start, end)
        export_rows(rows, store.manifest(instrument).instrument, file)
    click.echo(f"{rows.num_rows:,} rows of {channel} of {instrument} are in {file}")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ConfigError("this is no decimal", expected="as 0.01", got=text) from None
