import pytest

from rtlab.book import WHOLE, KeyedTable, Update
from rtlab.errors import LocalError


def table_of(*changes, **options):
    table = KeyedTable((-1, 1), 0, **options)
    for side, key, row in changes:
        table.change(side, key, row, 77)
    return table


FOUR = ((0, 10, 1), (0, 9, 1), (1, 11, 1), (1, 12, 1))


def test_who_holds_nothing_gets_a_snapshot_cut_to_the_depth():
    table = table_of(*FOUR)
    assert table.since(1, 4, 1, 0) == Update("snapshot", 1, 0, 4, 1, 77, ([(10, 1)], [(11, 1)]))


def test_who_stands_at_the_head_is_told_nothing():
    table = table_of(*FOUR)
    assert table.since(1, 4, 2, 2) is None
    assert table.since(1, 4, WHOLE, WHOLE) is None


def test_who_is_ahead_is_told_nothing():
    assert table_of(*FOUR).since(1, 5, 2, 2) is None


def test_who_is_of_another_epoch_gets_a_snapshot():
    table = table_of(*FOUR, epoch=3)
    for epoch in (2, 4):
        assert table.since(epoch, 4, 2, 2).kind == "snapshot"


def test_an_increment_names_the_range_and_the_time_of_its_end():
    table = table_of(*FOUR)
    table.change(0, 10, 5, 99)
    assert table.since(1, 3, 2, 2) == Update("increment", 1, 4, 5, 2, 99, [(0, 10, 5), (1, 12, 1)])


def test_a_cut_that_did_not_change_is_not_told():
    table = table_of(*FOUR, (0, 1, 4), (0, 1, 0))
    assert table.since(1, 4, 2, 2) is None


def test_a_lowered_depth_is_told_even_when_nothing_changed():
    table = table_of(*FOUR)
    assert table.since(1, 4, 1, 2) == Update("increment", 1, 5, 4, 1, 77, [])


def test_a_raised_depth_is_told_even_when_the_reader_lacks_nothing():
    table = table_of((0, 10, 1))
    assert table.since(1, 1, 5, 2) == Update("increment", 1, 2, 1, 5, 77, [])


def test_below_the_floor_there_is_a_snapshot():
    table = table_of((0, 10, 1), (0, 9, 1), (0, 8, 1), (0, 8, 0), (0, 9, 0), tombstones=1)
    assert table.since(1, 3, 5, 5).kind == "snapshot"
    assert table.since(1, 4, 5, 5).kind == "increment"


def test_a_snapshot_is_sent_where_an_increment_would_be_dearer():
    table = table_of(*FOUR)
    for key in (10, 9):
        table.change(0, key, 0, 0)
    table.change(1, 12, 2, 0)
    assert table.since(1, 4, 5, 5).kind == "snapshot"  # three changes, two levels


def test_a_new_epoch_starts_empty_and_must_be_newer():
    table = table_of(*FOUR)
    table.new_epoch(2)
    assert (table.epoch, table.seq) == (2, 0)
    assert table.since(1, 4, 5, 5) == Update("snapshot", 2, 0, 0, 5, 77, ([], []))
    with pytest.raises(LocalError, match="epoch is not new"):
        table.new_epoch(2)


def test_rows_may_be_anything_that_can_be_empty():
    table = KeyedTable((1,), ())
    table.change(0, 3, ("alert", 7), 1)
    table.change(0, 5, ("note",), 2)
    assert table.since(1, 1, WHOLE, WHOLE).body == [(0, 5, ("note",))]
    table.change(0, 3, (), 3)
    assert table.since(1, 2, WHOLE, WHOLE).body == [(0, 3, ())]
