"""A channel's history as a Dask dataframe: one partition a file, read where the task runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rtlab.extras import extra
from rtlab.store.cold.columns import no_rows
from rtlab.store.cold.files import read_file
from rtlab.store.cold.manifest import FileEntry
from rtlab.store.cold.place import place_of
from rtlab.store.cold.reading import ColdReader, check_channel

if TYPE_CHECKING:
    import pandas as pd


def frame_of(cold: ColdReader, channel: str) -> Any:
    """Give the rows of all files of a channel, with `instrument`; LocalError where dask is not installed."""
    check_channel(channel)
    with extra("cluster", "dask", "a dataframe of Dask"):
        import dask.dataframe as dd
    parts = [(symbol, entry) for symbol in cold.symbols() for entry in cold.manifest(symbol).of(channel)]
    meta = partition(cold.place.root, ())
    roots, ones = [cold.place.root] * len(parts), [(one,) for one in parts]
    return dd.from_map(partition, roots, ones, meta=meta)  # type: ignore[no-untyped-call]


def partition(root: str, parts: Sequence[tuple[str, FileEntry]]) -> "pd.DataFrame":
    """Read one part; runs on a worker, which must see the same folder."""
    import pandas as pd

    nothing = no_rows().to_pandas().assign(instrument=pd.Series(dtype="str"))
    frames = [read_file(place_of(root), entry).to_pandas().assign(instrument=name) for name, entry in parts]
    whole: pd.DataFrame = pd.concat([nothing, *frames]) if frames else nothing
    return whole
