"""Tell what kind of recording a file is."""

from pathlib import Path

from rtlab.errors import SourceError
from rtlab.model import Instrument
from rtlab.sources.binance import Binance
from rtlab.sources.lobster import Lobster
from rtlab.sources.recording import first_line


def open_source(path: str | Path, instrument: Instrument | None = None) -> Binance | Lobster:
    """Open a recording by what its first record looks like: Binance messages, or either file of a LOBSTER pair.

    Without an instrument, that of the file is taken where it is known. Raises SourceError when the file is
    missing, damaged, empty or neither; InstrumentError when its instrument is not known.
    """
    path = Path(path)
    line = first_line(path)
    if line.lstrip()[:1].isdigit() and line.count(b",") in (3, 5) and b"{" not in line:
        return Lobster(path, instrument=instrument)
    if b" {" in line[:40]:
        return Binance(path, instrument)
    raise SourceError(
        f"{path}: this is no recording that rtlab knows",
        expected="Binance messages (receive time, space, JSON) or a LOBSTER message or orderbook file"
        " (a table of your own: `rtlab import`, or rtlab.plot)",
        got=line[:60],
    )
