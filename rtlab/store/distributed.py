"""A channel's history as a Dask dataframe: one partition a file, read where the task runs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa

from rtlab.errors import ConfigError, StoreError
from rtlab.extras import extra
from rtlab.store.cold.columns import no_rows
from rtlab.store.cold.files import read_file
from rtlab.store.cold.manifest import FileEntry
from rtlab.store.cold.own import OwnFile, kept_of, own_channels, own_files, read_own
from rtlab.store.cold.place import place_of
from rtlab.store.cold.reading import ColdReader, check_channel
from rtlab.store.cold.schema import CHANNELS

if TYPE_CHECKING:
    import pandas as pd


def frame_of(cold: ColdReader, channel: str) -> Any:
    """Give the rows of all files of a channel, with `instrument`; LocalError where dask is not installed.

    Those of an own channel are of Arrow's types: what an instrument lacks, or a row, is empty.
    """
    if channel not in CHANNELS:
        return _mapped(
            own_partition, cold.place.root, _own_files(cold, channel), schema=_common(cold, channel)
        )
    parts = [(symbol, entry) for symbol in cold.symbols() for entry in cold.manifest(symbol).of(channel)]
    return _mapped(partition, cold.place.root, parts)


def _mapped(read: Callable[..., "pd.DataFrame"], root: str, parts: Sequence[object], **more: object) -> Any:
    with extra("cluster", "dask", "a dataframe of Dask"):
        import dask.dataframe as dd
    roots, ones = [root] * len(parts), [(one,) for one in parts]
    return dd.from_map(read, roots, ones, meta=read(root, (), **more), **more)  # type: ignore[no-untyped-call]


def partition(root: str, parts: Sequence[tuple[str, FileEntry]]) -> "pd.DataFrame":
    """Read one part; runs on a worker, which must see the same folder."""
    import pandas as pd

    nothing = no_rows().to_pandas().assign(instrument=pd.Series(dtype="str"))
    frames = [read_file(place_of(root), entry).to_pandas().assign(instrument=name) for name, entry in parts]
    whole: pd.DataFrame = pd.concat([nothing, *frames]) if frames else nothing
    return whole


def own_partition(root: str, files: Sequence[OwnFile], schema: pa.Schema) -> "pd.DataFrame":
    """Read one part of an own channel; runs on a worker, which must see the same folder."""
    import pandas as pd

    parts = [schema.empty_table()]
    for one in files:
        rows = read_own(place_of(root), one)
        named = pa.array([unquote(one.instrument)] * rows.num_rows, pa.string())
        parts.append(rows.append_column("instrument", named))
    whole: pd.DataFrame = pa.concat_tables(parts, promote_options="permissive").to_pandas(
        types_mapper=pd.ArrowDtype
    )
    return whole


def _own_files(cold: ColdReader, channel: str) -> list[OwnFile]:
    known = own_channels(cold.place, cold.work)
    if channel not in known:
        check_channel(channel, also=sorted(known))
    if not (files := own_files(cold.place, channel)):
        raise StoreError(f"no file of {channel} is made yet in {cold.place.root}")
    return files


def _common(cold: ColdReader, channel: str) -> pa.Schema:
    names = sorted({one.instrument for one in own_files(cold.place, channel)})
    schemas = [schema for name in names if (schema := kept_of(cold.place, channel, name)[0])]
    try:
        common = pa.unify_schemas([one.remove_metadata() for one in schemas], promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid) as problem:
        told = f"the columns of {channel} are not of one type for all instruments: {problem}"
        raise ConfigError(told) from None
    return common.append(pa.field("instrument", pa.string()))
