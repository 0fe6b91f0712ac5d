import os

import pyarrow as pa
import pytest
from support.kept import Made

from rtlab.errors import StoreError
from rtlab.store.cold.tail import TailOwner, TailWriter, read_tail


def batches(count):
    made = Made()
    for _ in range(count):
        made.make(3)
        yield made.rows.take()


def test_a_tail_that_is_cut_anywhere_keeps_its_complete_batches(tmp_path):
    path = tmp_path / "t.arrows"
    writer, ends, rows = TailWriter(path), [path.stat().st_size], [0]
    empty = path.stat().st_size if path.exists() else 0
    for batch in batches(6):
        writer.append(batch)
        ends.append(path.stat().st_size)
        rows.append(rows[-1] + batch.num_rows)
    writer.close()
    whole = read_tail(path)
    assert whole.num_rows == rows[-1] > 0
    content = path.read_bytes()
    for size in range(empty, len(content), 37):
        cut = tmp_path / f"cut-{size}"
        cut.write_bytes(content[:size])
        complete = max(count for end, count in zip(ends, rows, strict=True) if end <= size)
        assert read_tail(cut).equals(whole.slice(0, complete))


def test_a_reader_sees_each_batch_as_soon_as_it_is_appended(tmp_path):
    writer, seen = TailWriter(tmp_path / "t"), 0
    assert read_tail(tmp_path / "t").num_rows == 0
    for batch in batches(3):
        writer.append(batch)
        seen += batch.num_rows
        assert read_tail(tmp_path / "t").num_rows == seen
    writer.close()


def test_a_foreign_file_is_no_tail(tmp_path):
    (tmp_path / "foreign").write_bytes(b"this is something else")
    with pytest.raises(StoreError, match="foreign is damaged"):
        read_tail(tmp_path / "foreign")
    other = pa.table({"x": [1]})
    with pa.ipc.new_stream(str(tmp_path / "other"), other.schema) as stream:
        stream.write_table(other)
    with pytest.raises(StoreError, match="is no tail of rtlab"):
        read_tail(tmp_path / "other")


class Damaged(TailOwner):
    def _recover(self):
        raise StoreError("what the last one left is damaged")


def test_an_owner_that_cannot_begin_lets_go_of_what_it_holds(tmp_path):
    for _ in range(2):
        with pytest.raises(StoreError, match="left is damaged"), Damaged(tmp_path / "lock", "held", 0.0):
            pass


def test_a_tail_is_never_written_over(tmp_path):
    TailWriter(tmp_path / "t").close()
    with pytest.raises(StoreError, match="cannot be used: File exists"):
        TailWriter(tmp_path / "t")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
def test_a_full_disk_is_one_clear_error(tmp_path):
    path = tmp_path / "t"
    writer = TailWriter(path)
    writer._file.close()
    writer._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    writer._stream = pa.ipc.new_stream(writer._file, next(batches(1)).schema)
    with pytest.raises(StoreError, match="No space left on device"):
        writer.append(next(batches(1)))
    writer.close()
