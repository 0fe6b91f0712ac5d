from support.command import assert_one_clear_line, rtlab
from support.kept import Made, keep, plain
from support.own_channel import some, writer

from rtlab.store.api import Store


def test_small_files_are_compacted_and_old_days_dropped(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=3)
    with writer(tmp_path) as own:
        for first in (0, 5):
            own.append(some(first, 5))
            own.roll()
    done = rtlab("tend", tmp_path, "--check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "notes/BTC/USD: 2 files became 1, 0 swept" in done.stdout
    assert "4 files are as they were made" in done.stdout
    assert "BTC-USD: 9 files became 3, 0 swept" in done.stdout
    with Store(tmp_path) as store:
        assert plain(store.read("book", "BTC-USD")) == made.book
    old = rtlab("tend", tmp_path, "--keep", "1d", cwd=tmp_path)
    assert "rows in 2 files dropped" in old.stdout or "rows in 3 files dropped" in old.stdout, old.stdout
    assert "notes/BTC/USD: 10 rows in 1 files dropped" in old.stdout
    with Store(tmp_path) as store:
        assert store.manifest("BTC-USD").of("book") == []


def test_a_damaged_file_is_named(tmp_path):
    keep(tmp_path, Made(), rolls=1)
    file = next(tmp_path.glob("date=*/channel=trades/*/*.parquet"))
    file.write_bytes(file.read_bytes()[:-4] + b"PARX")
    done = rtlab("tend", tmp_path, "--check", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{file.name} is damaged" in done.stderr


def test_a_folder_that_is_not_there_or_a_span_that_is_none_are_clear_errors(tmp_path):
    assert_one_clear_line(rtlab("tend", tmp_path / "none", cwd=tmp_path), "does not exist")
    assert_one_clear_line(
        rtlab("tend", tmp_path, "--keep", "a week", cwd=tmp_path), "this is no span of time"
    )
