"""One store of an analyst: any channel, instrument and moment, without knowing where it lies."""

import threading
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from heapq import merge
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

import msgspec
import numpy as np
import pyarrow as pa

from rtlab.book import Step
from rtlab.embedded import EmbeddedServer
from rtlab.errors import ConfigError, StoreError
from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand, no_rows, of_channel, steps_of
from rtlab.store.cold.files import EVER, Span, check_file
from rtlab.store.cold.manifest import Manifest, load_manifest, quoted
from rtlab.store.cold.own import OwnPart, OwnReader, own_channels
from rtlab.store.cold.own_upkeep import compact_own, retain_own
from rtlab.store.cold.place import LocalPlace, place_of
from rtlab.store.cold.reading import At, ColdReader, check_channel, fold_rows
from rtlab.store.cold.schema import CHANNELS, COLUMNS, SCHEMA, TAIL_SCHEMA
from rtlab.store.cold.upkeep import TARGET_BYTES, Progress, Upkeep, compact, retain
from rtlab.store.keys import INSTRUMENTS, RECORDER, Grids
from rtlab.store.moments import Moment, ns_of, text_of
from rtlab.store.stored_book import StoredBook
from rtlab.store.unrecorded import Unrecorded, connect_blocking, reachable

if TYPE_CHECKING:
    from rtlab.store.sql import Sql

HOT = "hot"
"""The folder of a store in which its own server keeps what is hot."""
KEPT_IN = ("manifest", "tail", "own", "locks")
"""Its folders that its first record makes, and no other program."""


def _silent(done: int, of: int) -> None:
    return


class Store:
    """What is kept in a folder or a bucket, and what is still hot in Redis; `with Store(where) as store`.

    `redis_url` names the Redis that the recorder reads; without it the folder's own server is asked, where there
    is one. `work` is the folder of open tails on this machine (that of the store, where it is a folder). Reads may
    come from any thread, and go on while a recorder writes.
    """

    def __init__(self, where: str | Path, *, redis_url: str | None = None, work: Path | None = None) -> None:
        self.place = place_of(where)
        if work is None and not isinstance(self.place, LocalPlace):
            raise StoreError("a store in a bucket needs a folder for open tails", expected="work=folder")
        self.work = work if work is not None else Path(self.place.root)
        self.cold = ColdReader(self.place, self.work, self._more)
        self._url = redis_url
        self._server: EmbeddedServer | None = None
        self._redis: Any = None
        self._unrecorded: dict[str, Unrecorded] = {}
        self._sql: Sql | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave Redis, and the folder's own server. Idempotent."""
        with self._lock:
            if self._redis is not None:
                self._redis.close()
            if self._server is not None:
                self._server.close()
            if self._sql is not None:
                self._sql.close()
            self._redis = self._server = self._sql = None
            self._unrecorded.clear()

    def __repr__(self) -> str:
        manifests = [self.cold.manifest(symbol) for symbol in self.cold.symbols()]
        held = [f"{one.symbol} {sum(file.rows for file in one.files):,} rows" for one in manifests]
        return f"<Store {self.place.root}: {', '.join(held) or 'no files yet'}>"

    @property
    def redis_url(self) -> str | None:
        """Where the hot side is; None where there is none. The folder's own server is started if need be."""
        with self._lock:
            if self._url is None and isinstance(self.place, LocalPlace):
                folder = Path(self.place.root) / HOT
                if (folder / "server.conf").exists():
                    self._server = EmbeddedServer(folder)
                    self._url = self._server.start()
            return self._url

    def instruments(self) -> dict[str, Instrument]:
        """Give all instruments of which something is kept, by symbol."""
        found = {symbol: self.cold.manifest(symbol).instrument for symbol in self.cold.symbols()}
        return {**self._hot_instruments(), **found}

    def manifest(self, instrument: str) -> Manifest:
        """Give which ranges of an instrument are kept in which files, and which gaps are known."""
        return self.cold.manifest(instrument)

    def read(
        self,
        channel: str,
        instrument: str,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Give the rows of `book`, `trades` or `levels` with `start` <= ts < `end`, in the order of their sequence.

        Hot and cold are one: each sequence comes once. Prices are ticks, quantities lots, times ns. Any other channel
        is one that was brought along or kept beside: `raw`, `quotes`, or as `channels` tells.
        StoreError when nothing of the instrument is kept, or a file is damaged; UnreachableError when Redis is gone;
        ConfigError for an end that is before the start.
        """
        parts = list(self.batches(channel, instrument, start, end, columns=columns))
        if parts:
            return pa.concat_tables(parts)
        if channel in CHANNELS:
            return no_rows().select(list(columns or COLUMNS))
        return self._own(channel, instrument).nothing(columns)

    def channels(self, instrument: str) -> list[str]:
        """Give the channels of which something of an instrument (or of a venue, whose messages are raw) is kept."""
        own = own_channels(self.place, self.work).items()
        kept = instrument in self.instruments()
        return [*(CHANNELS if kept else ()), *sorted(name for name, of in own if quoted(instrument) in of)]

    def schema(self, channel: str, instrument: str) -> pa.Schema:
        """Give the columns of a channel; for one of its own with what is known of them. Errors as those of `read`."""
        return SCHEMA if channel in CHANNELS else self._own(channel, instrument).schema()

    def _own(self, channel: str, instrument: str) -> OwnReader:
        known = own_channels(self.place, self.work)
        if channel not in known:
            check_channel(channel, also=sorted(known))
        return OwnReader(self.place, self.work, channel, instrument)

    def batches(
        self,
        channel: str,
        instrument: str,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.Table]:
        """Give the same as `read`, a file at a time, so that a long history fits any memory."""
        span = _span(start, end)
        if channel not in CHANNELS:
            yield from self._own(channel, instrument).batches(span, columns)
            return
        columns = columns or COLUMNS
        check_channel(channel, columns)
        if load_manifest(self.place, instrument) is not None:
            yield from self.cold.batches(channel, instrument, span, columns)
        elif instrument in self._hot_instruments():
            rows = of_channel(self._more(instrument, Stand())[0], channel, *span)
            yield rows.select(list(columns))
        else:
            self.cold.manifest(instrument)

    def newest(self, instrument: str) -> int:
        """Give the latest time (ns) of an instrument's rows; StoreError when there are none."""
        rows, stand = self.cold.open_rows(instrument)[0], self.cold.manifest(instrument).stand
        return max(stand.ts, int(rows.column("ts").to_numpy().max()) if rows.num_rows else 0)

    def book(self, instrument: str, *, at: Moment | At) -> StoredBook:
        """Give the book right after the last level change with a time up to `at`, or at (epoch, seq) of the book.

        StoreError when it is not known: nothing is kept that far back, a gap hides it, or the time is after the end of
        all that is kept (while a recorder is at work: after now).
        """
        rows = of_channel(self.cold.open_rows(instrument)[0], "book")
        point = at if isinstance(at, tuple) else self._point(instrument, ns_of(at), rows)
        (epoch, seq), levels = self.cold.levels(instrument, point)
        mine = rows.filter(pa.array(rows.column("epoch").to_numpy() == epoch))
        if epoch == point[0]:
            seq, levels = fold_rows(levels, mine, seq, point[1])
        if (epoch, seq) != point:
            raise StoreError(
                f"the book of {instrument} is not kept there", expected=f"up to {(epoch, seq)}", got=point
            )
        return StoredBook(self.cold.manifest(instrument).instrument, epoch, seq, *levels.book())

    def _point(self, instrument: str, ts: int, rows: pa.Table) -> At:
        found = np.flatnonzero(rows.column("ts").to_numpy() <= ts)
        if len(found) == rows.num_rows:
            self._check_end(instrument, ts)
        if len(found):
            row = int(found[-1])
            return rows.column("epoch")[row].as_py(), rows.column("seq")[row].as_py()
        point = self.cold.last_at(instrument, ts)
        if point is None:
            kept = [one.ts_min for one in self.cold.manifest(instrument).of("book")]
            kept += rows.column("ts").to_pylist()[:1]
            since = f"a moment from {text_of(min(kept))} on" if kept else None
            raise StoreError(
                f"nothing of {instrument} is kept that far back", expected=since, got=text_of(ts)
            )
        return point

    def _check_end(self, instrument: str, ts: int) -> None:
        # an instrument may be silent while others go on; and while a recorder is at work the newest book is that of now
        if ts <= self.newest(instrument) or ts <= (until := max(map(self.newest, self.cold.symbols()))):
            return
        if ts > time.time_ns() or self._hot_value(RECORDER) is None:
            raise StoreError(
                f"the book of {instrument} is not known then",
                expected=f"a moment up to {text_of(until)}, where the record ends",
                got=text_of(ts),
            )

    def sql(self, query: str) -> pa.Table:
        """Run a SELECT over the views `book`, `trades` and `levels` of all instruments, hot and cold.

        Their columns are instrument, ts (ns), side (0 bid, 1 ask), price, qty, epoch, seq and step. Prices are ticks,
        quantities lots: join the view `instruments` for `price * tick_size`, `qty * lot_size`.
        Each channel of another name is a view as well, of its own columns and `instrument`.
        StoreError when the folder is not there or holds other things than a record, and for a query that fails.
        """
        from rtlab.store.sql import Sql  # late: who asks nothing in SQL does not wait for DuckDB

        self._check_kept()
        with self._lock:
            self._sql = self._sql or Sql(self.place)
        asked, failed = None, None
        while True:
            manifests, open_rows = self._market_rows()
            own = self._own_parts(query)
            files = manifests, {channel: [one[:2] for one in parts] for channel, parts in own.items()}
            if failed is not None and files == asked:
                raise failed
            try:
                return self._sql.query(query, manifests, open_rows, own)
            except (
                StoreError
            ) as problem:  # a file may have been merged or dropped since: then it is asked again
                asked, failed = files, problem

    def _check_kept(self) -> None:
        # the views over a wrong folder would be empty, and nobody would know why; an empty one is an empty store
        if not isinstance(self.place, LocalPlace):
            return
        folder = self.place.folder
        if not folder.exists():
            raise StoreError(
                f"there is no folder {folder}", expected="one that `rtlab record` or `rtlab import` wrote"
            )
        inside = list(folder.iterdir())
        if inside and not any((folder / name).is_dir() for name in (HOT, *KEPT_IN)):
            near = [f"{one.name}/" for one in inside if (one / KEPT_IN[0]).is_dir()]
            raise StoreError(
                f"there is no record in the folder {folder}",
                expected="a folder that `rtlab record` or `rtlab import` wrote"
                + (f", as {' or '.join(sorted(near))} in it" if near else ""),
            )

    def _market_rows(self) -> tuple[dict[str, Manifest], dict[str, pa.Table]]:
        rows: dict[str, list[pa.Table]] = {"book": [], "trades": []}
        manifests = {}
        for symbol in self.cold.symbols():
            beyond, manifests[symbol] = self.cold.open_rows(symbol)
            for channel, parts in rows.items() if beyond.num_rows else ():
                chosen = of_channel(beyond, channel)
                named = pa.array([symbol], pa.string()).take(pa.array(np.zeros(chosen.num_rows, np.int64)))
                parts.append(chosen.append_column("instrument", named))
        return manifests, {channel: pa.concat_tables(parts) for channel, parts in rows.items() if parts}

    def _own_parts(self, query: str) -> dict[str, list[OwnPart]]:
        named: dict[str, list[OwnPart]] = {}
        for channel, names in own_channels(self.place, self.work).items():
            for name in sorted(names) if channel.lower() in query.lower() else ():
                reader = OwnReader(self.place, self.work, channel, unquote(name))
                named.setdefault(channel, []).append(reader.part())
        return named

    def steps(
        self, instrument: str, start: Moment | None = None, end: Moment | None = None
    ) -> Iterator[tuple[int, str, Step]]:
        """Give (ts, instrument, step) as the market made them: what `Market.fold` takes."""
        book, trades = (self.read(channel, instrument, start, end) for channel in ("book", "trades"))
        epochs = np.union1d(book.column("epoch").to_numpy(), trades.column("epoch").to_numpy())
        for epoch in epochs.tolist():
            mine = (one.filter(pa.array(one.column("epoch").to_numpy() == epoch)) for one in (book, trades))
            for _, step in steps_of(*mine):
                yield step.ts, instrument, step

    def replay(
        self, *instruments: str, start: Moment | None = None, end: Moment | None = None
    ) -> Iterator[tuple[int, str, Step]]:
        """Give the steps of several instruments (none named: all), merged by time, to be played at any speed."""
        names = instruments or tuple(self.instruments())
        return merge(*(self.steps(name, start, end) for name in names), key=lambda one: one[0])

    def dask(self, channel: str) -> Any:
        """Give a Dask dataframe of a channel's files, a partition each; LocalError without the extra `cluster`."""
        from rtlab.store.distributed import frame_of

        return frame_of(self.cold, channel)

    def compact(
        self, *, target_bytes: int = TARGET_BYTES, on_progress: Progress = _silent
    ) -> dict[str, Upkeep]:
        """Merge small files, by symbol; own channels by `channel/instrument`.

        May be killed and run again, beside a recorder and readers.
        """
        done = {
            symbol: compact(self.place, self.work, symbol, target_bytes=target_bytes, on_progress=on_progress)
            for symbol in self.cold.symbols()
        }
        for channel, name in self._own_kept():
            done[f"{channel}/{unquote(name)}"] = compact_own(
                self.place, self.work, channel, name, target_bytes=target_bytes, on_progress=on_progress
            )
        return done

    def retain(self, *, since: Moment) -> dict[str, Upkeep]:
        """Drop the files whose rows are all older than `since`: whole days of UTC, named as by `compact`."""
        done = {
            symbol: retain(self.place, self.work, symbol, since=ns_of(since))
            for symbol in self.cold.symbols()
        }
        for channel, name in self._own_kept():
            done[f"{channel}/{unquote(name)}"] = retain_own(
                self.place, self.work, channel, name, since=ns_of(since)
            )
        return done

    def _own_kept(self) -> list[tuple[str, str]]:
        known = own_channels(self.place, self.work).items()
        return sorted((channel, name) for channel, names in known for name in names)

    def check(self) -> int:
        """Compare every file with its checksum; give how many there are. StoreError names the first that is damaged."""
        entries = [entry for symbol in self.cold.symbols() for entry in self.manifest(symbol).files]
        for entry in entries:
            check_file(self.place, entry)
        own = (self._own(channel, unquote(name)) for channel, name in self._own_kept())
        return len(entries) + sum(one.check() for one in own)

    def _more(self, symbol: str, stand: Stand) -> tuple[pa.Table, bool]:
        one = self._hot(symbol)
        if one is None:
            return TAIL_SCHEMA.empty_table(), False
        rows = one.rows(stand)
        return rows, one.has_gap

    def _hot(self, symbol: str) -> Unrecorded | None:
        with self._lock:
            instruments = self._hot_instruments()
            if symbol not in instruments:
                return None
            if symbol not in self._unrecorded:
                assert self._url is not None
                self._unrecorded[symbol] = Unrecorded(self._redis, self._url, instruments[symbol])
            return self._unrecorded[symbol]

    def _hot_instruments(self) -> dict[str, Instrument]:
        told = self._hot_value(INSTRUMENTS)
        grids = msgspec.msgpack.decode(told, type=Grids) if told else []
        return {symbol: Instrument(symbol, Decimal(tick), Decimal(lot)) for symbol, tick, lot in grids}

    def _hot_value(self, key: str) -> Any:
        url = self.redis_url
        if url is None:
            return None
        with self._lock, reachable(url):
            if self._redis is None:
                self._redis = connect_blocking(url)
            return self._redis.get(key)


def _span(start: Moment | None, end: Moment | None) -> Span:
    if start is None and end is None:
        return EVER
    span = Span(EVER.start if start is None else ns_of(start), EVER.end if end is None else ns_of(end))
    if span.start > span.end:
        raise ConfigError(
            "the end is before the start",
            expected=f"a moment from {text_of(span.start)} on",
            got=text_of(span.end),
        )
    return span
