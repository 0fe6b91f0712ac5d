import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rtlab.errors import StoreError
from rtlab.store.cold.schema import COLUMNS, SCHEMA, Levels, adapt, table_of, write_parquet


def ints(*numbers):
    return np.array(numbers, np.int64)


def test_a_book_folds_changes_as_a_plain_dict_does():
    rnd, levels, truth = random.Random(3), Levels.empty(), {}
    for _ in range(50):
        changes = [
            (rnd.randint(0, 1), rnd.randint(-5, 20), rnd.choice([0, 0, 1, 2, 3]))
            for _ in range(rnd.randint(0, 12))
        ]
        for side, price, qty in changes:
            truth[side, price] = qty
        columns = [ints(*(row[i] for row in changes)) for i in range(3)]
        levels = levels.fold(*columns)
        held = {(side, price): qty for (side, price), qty in truth.items() if qty}
        bids = sorted(((p, q) for (s, p), q in held.items() if s == 0), reverse=True)
        asks = sorted((p, q) for (s, p), q in held.items() if s == 1)
        assert levels.book() == (bids, asks)


def test_rows_survive_a_file(tmp_path):
    rows = table_of([[7] * 3, [1, 2, 3], [4, 4, 5], [10, 9, 11], [0, 1, 0], [-5, 2**60, 0], [1, 0, 2**62]])
    write_parquet(rows, str(tmp_path / "rows.parquet"))
    assert adapt(pq.read_table(tmp_path / "rows.parquet"), COLUMNS, "here").equals(rows)


def test_a_file_of_an_older_schema_opens_with_what_it_lacks_empty():
    old = pa.table({"seq": pa.array([1, 2], pa.int32()), "price": [5, 6], "forgotten": ["a", "b"]})
    rows = adapt(old, COLUMNS, "old.parquet")
    assert rows.schema == SCHEMA
    assert rows.column("seq").to_pylist() == [1, 2]
    assert rows.column("qty").null_count == 2


def test_a_file_of_a_newer_schema_is_one_clear_error():
    new = table_of([[1]] * 7).replace_schema_metadata({"rtlab.schema": "99"})
    with pytest.raises(
        StoreError, match=r"new\.parquet was written by a newer rtlab: expected schema 1 .* got 99"
    ):
        adapt(new, COLUMNS, "new.parquet")


def test_increments_and_trades_take_less_than_eight_bytes_a_row(tmp_path):
    rnd = np.random.default_rng(1)
    count, price = 100_000, 60_000_00
    ts = np.cumsum(rnd.exponential(5e5, count)).astype(np.int64) + 1_700_000_000_000_000_000
    prices = price + np.cumsum(rnd.integers(-2, 3, count))
    qty = rnd.geometric(0.01, count)
    rows = table_of(
        [np.ones(count), np.arange(count), np.arange(count) // 3, ts, rnd.integers(0, 2, count), prices, qty]
    )
    write_parquet(rows, str(tmp_path / "rows.parquet"))
    assert (tmp_path / "rows.parquet").stat().st_size / count <= 8
