"""SQL over the store: DuckDB reads the Parquet files where they lie, and the open rows beside them. It only reads."""

import threading
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from rtlab.errors import StoreError
from rtlab.store.cold.manifest import Manifest
from rtlab.store.cold.own import OwnPart
from rtlab.store.cold.place import LocalPlace, Place
from rtlab.store.cold.schema import CHANNELS, COLUMNS, SCHEMA

_TYPES = ", ".join(f"NULL::{'TINYINT' if name == 'side' else 'BIGINT'} AS {name}" for name in COLUMNS)
_NOTHING = f"SELECT {_TYPES}, NULL::VARCHAR AS instrument WHERE false"


class Sql:
    """One DuckDB over `place`; the views `book`, `trades` and `levels` have the columns of rows and `instrument`.

    Own channels have their own columns and `instrument`; where instruments differ in them, what one lacks is empty.
    The view `instruments` has `tick_size` and `lot_size`, so that `price * tick_size` is a price.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._duck = duckdb.connect(":memory:")
        self._duck.execute("SET TimeZone = 'UTC'")
        self._seen: dict[str, object] = {}
        self._own_seen: set[str] = set()
        self._lock = threading.Lock()
        if isinstance(place, LocalPlace):
            self._duck.execute(f"SET allowed_directories = ['{_escaped(place.root)}']")
            self._duck.execute("SET enable_external_access = false")
        self._duck.execute("SET lock_configuration = true")

    def close(self) -> None:
        """Let DuckDB go."""
        self._duck.close()

    def query(
        self,
        text: str,
        manifests: Mapping[str, Manifest],
        open_rows: Mapping[str, pa.Table],
        own: Mapping[str, Sequence[OwnPart]],
    ) -> pa.Table:
        """Run one SELECT; `open_rows` are by channel, with `instrument`; `own` are the own channels that it may name.

        StoreError when it is no SELECT, or fails.
        """
        with self._lock:
            try:
                statements = self._duck.extract_statements(text)
                if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                    got = ", ".join(str(one.type).rpartition(".")[2] for one in statements) or "nothing"
                    raise StoreError("the store's SQL only reads", expected="one SELECT", got=got)
                self._see(manifests, open_rows)
                self._see_sizes(manifests)
                self._see_own(own)
                return self._duck.sql(text).to_arrow_table()
            except duckdb.Error as problem:
                raise StoreError(f"the query fails: {problem}") from None

    def _see(self, manifests: Mapping[str, Manifest], open_rows: Mapping[str, pa.Table]) -> None:
        for channel in CHANNELS:
            rows = open_rows.get(channel)
            files = {
                symbol: [f"{self._place.root}/{one.path}" for one in manifest.of(channel)]
                for symbol, manifest in manifests.items()
            }
            has_rows = rows is not None and rows.num_rows > 0
            if has_rows:
                self._duck.register(f"open {channel}", rows)
            if self._seen.get(channel) == (files, has_rows):
                continue
            parts = [_NOTHING, *(self._part(channel, *one) for one in files.items() if one[1])]
            if has_rows:
                parts.append(f'SELECT {", ".join(COLUMNS)}, instrument FROM "open {channel}"')
            self._duck.execute(f"CREATE OR REPLACE VIEW {channel} AS " + " UNION ALL ".join(parts))
            self._seen[channel] = (files, has_rows)

    def _see_sizes(self, manifests: Mapping[str, Manifest]) -> None:
        sizes = [
            (symbol, manifest.instrument.tick_size, manifest.instrument.lot_size)
            for symbol, manifest in manifests.items()
        ]
        if self._seen.get("instruments") == sizes:
            return
        rows = ", ".join(
            f"('{_escaped(symbol)}', {tick}::DOUBLE, {lot}::DOUBLE)" for symbol, tick, lot in sizes
        )
        source = f"(VALUES {rows})" if rows else "(SELECT ''::VARCHAR, 0::DOUBLE, 0::DOUBLE WHERE false)"
        self._duck.execute(
            f"CREATE OR REPLACE VIEW instruments AS SELECT * FROM {source} AS sizes(instrument, tick_size, lot_size)"
        )
        self._seen["instruments"] = sizes

    def _part(self, channel: str, symbol: str, files: list[str]) -> str:
        source = self._files(channel, symbol, files, SCHEMA)
        return f"SELECT {', '.join(COLUMNS)}, '{_escaped(symbol)}' AS instrument FROM {source}"

    def _files(self, channel: str, symbol: str, files: list[str], schema: pa.Schema | None) -> str:
        if isinstance(self._place, LocalPlace):
            listed = ", ".join(f"'{_escaped(one)}'" for one in files)
            return f"read_parquet([{listed}], hive_partitioning = false)"
        import pyarrow.dataset as pads  # late: costs half a second, and only buckets need it

        name = f"files {channel} {symbol.encode().hex()}"
        data = pads.dataset(files, schema=schema, format="parquet", filesystem=self._place.filesystem)
        self._duck.register(name, data)
        return f'"{name}"'

    def _see_own(self, own: Mapping[str, Sequence[OwnPart]]) -> None:
        for gone in self._own_seen - set(own):
            self._duck.execute(f'DROP VIEW IF EXISTS "{gone}"')
            self._seen.pop(gone, None)
        self._own_seen = set(own)
        if len({channel.lower() for channel in own}) < len(own):
            told = "these channels differ in case alone, which SQL does not tell"
            raise StoreError(told, got=", ".join(sorted(own)))
        for channel, parts in own.items():
            sources = [one for part in parts for one in self._own_sources(channel, part)]
            self._duck.execute(
                f'CREATE OR REPLACE VIEW "{channel}" AS ' + " UNION ALL BY NAME ".join(sources)
            )

    def _own_sources(self, channel: str, part: OwnPart) -> Iterator[str]:
        named = f"'{_escaped(part.instrument)}' AS instrument"
        if part.files:
            files = [f"{self._place.root}/{path}" for path in part.files]
            yield f"SELECT *, {named} FROM {self._files(channel, part.instrument, files, None)}"
        if part.rows is not None:
            name = f"open {channel} {part.instrument.encode().hex()}"
            self._duck.register(name, part.rows)
            yield f'SELECT *, {named} FROM "{name}"'


def _escaped(text: str) -> str:
    return text.replace("'", "''")
