import itertools

import pyarrow as pa
import pytest
from support.kept import DAY_NS
from support.own_channel import SCHEMA, read_meanwhile, reader, rows_of, some, wanted, writer

from rtlab.errors import StoreError
from rtlab.store.cold.own import OwnWriter, lying_files, own_files
from rtlab.store.cold.own_upkeep import compact_own, retain_own
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.upkeep import Upkeep, held

NAME = "BTC%2FUSD"


def filled(folder, rolls, *, each=10, step_ns=1000):
    """Keep so many files of a channel, a tail behind them; give how many rows there are."""
    with writer(folder) as one:
        for number in range(rolls + 1):
            one.append(some(number * each, each, step_ns))
            if number < rolls:
                one.roll()
    return each * (rolls + 1)


def compacted(folder, place=None, **more):
    return compact_own(place or LocalPlace(folder), folder, "notes", NAME, **more)


def ranges(files):
    return [(one.first, one.last) for one in files]


def test_small_files_become_one_and_not_one_row_changes(tmp_path):
    count, told = filled(tmp_path, 5), []
    assert compacted(tmp_path, on_progress=lambda at, of: told.append((at, of))) == Upkeep(dropped=5, made=1)
    assert told == [(1, 1)]
    assert ranges(lying_files(LocalPlace(tmp_path))) == [(1, 50)]
    assert rows_of(tmp_path) == wanted(0, count)
    assert reader(tmp_path).schema().equals(SCHEMA, check_metadata=True)
    assert compacted(tmp_path) == Upkeep()
    with writer(tmp_path) as one:  # goes on behind it, with the tail that it left
        assert (one.seq, one.recovered) == (count, 10)
        one.append(some(count, 3))
    assert rows_of(tmp_path) == wanted(0, count + 3)


def test_files_grow_to_the_stated_size_and_no_further(tmp_path):
    count = filled(tmp_path, 12)
    path = tmp_path / own_files(LocalPlace(tmp_path))[0].path
    most = int(3.5 * path.stat().st_size)
    assert compacted(tmp_path, target_bytes=most).made == 4
    files = own_files(LocalPlace(tmp_path))
    assert ranges(files) == [(1, 30), (31, 60), (61, 90), (91, 120)]
    assert all((tmp_path / one.path).stat().st_size <= most for one in files)
    assert rows_of(tmp_path) == wanted(0, count)


def test_days_and_channels_stay_apart_and_old_days_are_dropped_exactly(tmp_path):
    step = DAY_NS // 20
    count = filled(tmp_path, 6, step_ns=step)
    with OwnWriter(LocalPlace(tmp_path), tmp_path, "notes", "ETH", SCHEMA) as other:
        for first in (0, 5):
            other.append(some(first, 5))
            other.roll()
    assert compacted(tmp_path) == Upkeep(dropped=6, made=3)
    files = own_files(LocalPlace(tmp_path), "notes", NAME)
    assert ranges(files) == [(1, 20), (21, 40), (41, 60)]
    assert ranges(own_files(LocalPlace(tmp_path), "notes", "ETH")) == [(1, 5), (6, 10)]
    done = retain_own(LocalPlace(tmp_path), tmp_path, "notes", NAME, since=2 * DAY_NS + 5)
    assert done == Upkeep(dropped=2, rows_dropped=40)
    assert rows_of(tmp_path) == wanted(40, count, step)
    assert len(own_files(LocalPlace(tmp_path), "notes", "ETH")) == 2


class Killed(Exception):
    pass


class Dying(LocalPlace):
    """A place whose user is killed before its change number `after`."""

    def __init__(self, folder, after):
        super().__init__(folder)
        self.left = after

    def _change(self):
        self.left -= 1
        if self.left < 0:
            raise Killed

    def put(self, made, path):
        self._change()
        super().put(made, path)

    def delete(self, path):
        self._change()
        super().delete(path)


def test_a_job_that_is_killed_before_any_of_its_steps_costs_and_doubles_no_row(tmp_path):
    for after in itertools.count():
        folder = tmp_path / str(after)
        count = filled(folder, 5)
        three = int(3.5 * (folder / own_files(LocalPlace(folder))[0].path).stat().st_size)
        try:
            compacted(folder, Dying(folder, after), target_bytes=three)
        except Killed:
            assert rows_of(folder) == wanted(0, count)
            with writer(folder) as one:
                assert one.seq == count
                one.append(some(count, 1))
                one.roll()
        else:
            break
        lying = len(lying_files(LocalPlace(folder))), len(own_files(LocalPlace(folder)))
        done = compacted(folder)
        assert done.swept == lying[0] - lying[1]
        assert ranges(lying_files(LocalPlace(folder))) == [(1, count + 1)]
        assert rows_of(folder) == wanted(0, count + 1)
    assert after == 7  # two files made, five dropped


def test_old_days_of_a_job_that_was_killed_are_dropped_with_its_parts(tmp_path):
    filled(tmp_path, 3)
    with pytest.raises(Killed):
        compacted(tmp_path, Dying(tmp_path, 2))  # one part of three is gone
    done = retain_own(LocalPlace(tmp_path), tmp_path, "notes", NAME, since=DAY_NS)
    assert done == Upkeep(dropped=1, rows_dropped=30, swept=2)
    assert lying_files(LocalPlace(tmp_path)) == []
    assert rows_of(tmp_path) == wanted(30, 40)


def test_who_reads_while_files_are_made_and_merged_sees_every_row_once(tmp_path):
    filled(tmp_path, 1)
    with (
        read_meanwhile(lambda: rows_of(tmp_path, columns=["seq", "ts", "note", "size"])),
        writer(tmp_path) as one,
    ):
        for first in range(20, 200, 5):
            one.append(some(first, 5))
            one.roll()
            if first % 3 == 0:
                compacted(tmp_path)


def test_a_second_job_is_refused_by_name_and_nothing_kept_is_nothing_done(tmp_path):
    assert compacted(tmp_path) == Upkeep()
    with (
        held(tmp_path / "locks" / f"{NAME}.own-notes.upkeep", "mine"),
        pytest.raises(StoreError, match="another job tends notes of BTC%2FUSD"),
    ):
        compacted(tmp_path)


def test_a_file_that_is_damaged_is_named_and_stays(tmp_path):
    filled(tmp_path, 2)
    file = own_files(LocalPlace(tmp_path))[1]
    (tmp_path / file.path).write_bytes(b"foreign")
    with pytest.raises(StoreError, match=r"11-20\.parquet is damaged or foreign"):
        compacted(tmp_path)
    assert ranges(own_files(LocalPlace(tmp_path))) == [(1, 10), (11, 20)]
    assert isinstance(next(reader(tmp_path).batches()), pa.Table)
