from pathlib import Path

import pytest
from support.recordings import lobster_pair

from rtlab.errors import SourceError
from rtlab.model import COMMAND, CommandKind, Instrument, Side
from rtlab.sources.flow import Commands
from rtlab.sources.lobster import Lobster, Step, command_rows
from rtlab.sources.lobster_queues import SEEDS, TAKERS, CommandRow

HIDDEN = "1.0,5,0,1,1000000,1 | 1010000,50,1000000,30"


def steps(tmp_path: Path, *rows: str) -> list[Step]:
    return list(Lobster(lobster_pair(tmp_path, rows)))


def told(commands: list[CommandRow]) -> list[tuple[str, int, str, int, int]]:
    rows = command_rows(commands)
    return [
        (
            CommandKind(r["kind"]).name,
            int(r["order_id"]),
            Side(r["side"]).name,
            int(r["price"]),
            int(r["qty"]),
        )
        for r in rows
    ]


def test_the_first_row_seeds_both_sides_and_is_not_replayed(tmp_path: Path) -> None:
    (step,) = steps(tmp_path, HIDDEN)
    assert step.message == []
    assert told(step.seeds) == [("NEW", SEEDS + 1, "BID", 10000, 30), ("NEW", SEEDS + 2, "ASK", 10100, 50)]


def test_a_new_order_is_entered_under_its_id_and_nothing_is_seeded(tmp_path: Path) -> None:
    step = steps(tmp_path, HIDDEN, "2.0,1,7,20,1000000,1 | 1010000,50,1000000,50")[1]
    assert told(step.message) == [("NEW", 7, "BID", 10000, 20)]
    assert step.seeds == []
    assert step.left is None


def test_an_order_added_live_is_reduced_and_deleted_by_its_id(tmp_path: Path) -> None:
    _, _, reduced, deleted = steps(
        tmp_path,
        HIDDEN,
        "2.0,1,7,20,1000000,1 | 1010000,50,1000000,50",
        "3.0,2,7,5,1000000,1 | 1010000,50,1000000,45",
        "4.0,3,7,15,1000000,1 | 1010000,50,1000000,30",
    )
    assert told(reduced.message) == [("REPLACE", 7, "BID", 10000, 15)]
    assert reduced.left == 20
    assert told(deleted.message) == [("CANCEL", 7, "BID", 10000, 0)]
    assert deleted.left == 15
    assert reduced.seeds == deleted.seeds == []


def test_an_order_from_before_is_taken_from_the_seed(tmp_path: Path) -> None:
    _, reduced, deleted = steps(
        tmp_path,
        HIDDEN,
        "2.0,2,3,10,1010000,-1 | 1010000,40,1000000,30",
        "3.0,3,4,15,1010000,-1 | 1010000,25,1000000,30",
    )
    assert told(reduced.message) == [("REPLACE", SEEDS + 2, "ASK", 10100, 40)]
    assert told(deleted.message) == [("REPLACE", SEEDS + 2, "ASK", 10100, 25)]
    assert reduced.left is None


def test_an_execution_comes_from_the_other_side(tmp_path: Path) -> None:
    step = steps(tmp_path, HIDDEN, "2.0,4,3,10,1010000,-1 | 1010000,40,1000000,30")[1]
    assert told(step.message) == [("NEW", TAKERS + 2, "BID", 10100, 10)]
    assert step.seeds == []


@pytest.mark.parametrize("code", [5, 6, 7])
def test_what_touches_no_visible_level_is_no_command(tmp_path: Path, code: int) -> None:
    step = steps(tmp_path, HIDDEN, HIDDEN.replace("1.0,5", f"2.0,{code}"))[1]
    assert (step.message, step.seeds) == ([], [])


def test_a_revealed_level_is_seeded_though_it_was_seen_before(tmp_path: Path) -> None:
    # what became of order 7 while 10010 was the best bid is not known, though the size is the same
    *_, covered, revealed, unknown = steps(
        tmp_path,
        HIDDEN,
        "2.0,1,7,20,1000000,1 | 1010000,50,1000000,50",
        "3.0,1,8,5,1001000,1 | 1010000,50,1001000,5",
        "4.0,3,8,5,1001000,1 | 1010000,50,1000000,50",
        "5.0,4,7,5,1000000,1 | 1010000,50,1000000,45",
    )
    assert covered.seeds == []
    assert told(revealed.message) == [("CANCEL", 8, "BID", 10010, 0)]
    assert told(revealed.seeds) == [
        ("CANCEL", SEEDS + 1, "BID", 10000, 0),
        ("CANCEL", 7, "BID", 10000, 0),
        ("NEW", SEEDS + 3, "BID", 10000, 50),
    ]
    assert unknown.left is None


def test_a_revealed_level_ends_what_was_thought_to_be_better(tmp_path: Path) -> None:
    *_, step = steps(
        tmp_path,
        HIDDEN,
        "2.0,1,8,5,1001000,1 | 1010000,50,1001000,5",
        "3.0,3,8,5,1001000,1 | 1010000,50,999000,9",
    )
    assert told(step.seeds) == [
        ("CANCEL", SEEDS + 1, "BID", 10000, 0),
        ("NEW", SEEDS + 3, "BID", 9990, 9),
    ]


def test_a_book_that_jumped_during_a_halt_never_crosses_on_the_way(tmp_path: Path) -> None:
    step = steps(tmp_path, HIDDEN, "2.0,7,0,0,-1,-1 | 1030000,5,1020000,6")[1]
    kinds = [(kind, side, price) for kind, _, side, price, _ in told(step.seeds)]
    assert kinds == [
        ("CANCEL", "ASK", 10100),
        ("NEW", "BID", 10200),
        ("NEW", "ASK", 10300),
    ]


def test_an_emptied_side_is_emptied_and_comes_back(tmp_path: Path) -> None:
    _, empty, back = steps(
        tmp_path,
        HIDDEN,
        "2.0,3,3,30,1000000,1 | 1010000,50,-9999999999,0",
        "3.0,1,9,4,1000000,1 | 1010000,50,1000000,4",
    )
    assert told(empty.message) == [("CANCEL", SEEDS + 1, "BID", 10000, 0)]
    assert empty.seeds == []
    assert told(back.message) == [("NEW", 9, "BID", 10000, 4)]
    assert back.seeds[0][1] == 9  # a side that showed nothing is revealed, whatever it shows


def test_the_file_wins_where_a_message_cannot_be_followed(tmp_path: Path) -> None:
    step = steps(tmp_path, HIDDEN, "2.0,3,3,10,1000000,1 | 1010000,50,1000000,25")[1]
    assert told(step.message) == [("REPLACE", SEEDS + 1, "BID", 10000, 20)]
    assert told(step.seeds) == [
        ("CANCEL", SEEDS + 1, "BID", 10000, 0),
        ("NEW", SEEDS + 3, "BID", 10000, 25),
    ]


def test_chunks_hold_the_commands_of_the_window(tmp_path: Path) -> None:
    source = Lobster(
        lobster_pair(
            tmp_path,
            [
                HIDDEN,
                "1.000000005,1,7,20,1000000,1 | 1010000,50,1000000,50",
                "1.000000006,5,0,1,1000000,1 | 1010000,50,1000000,50",
                "1.000000020,1,8,20,1000000,1 | 1010000,50,1000000,70",
            ],
        )
    )
    day = 1_340_236_800_000_000_000
    chunks = list(source.chunks())
    assert [(ts - day, len(rows)) for ts, rows in chunks] == [(10**9, 2), (10**9 + 5, 1), (10**9 + 20, 1)]
    assert all(rows.dtype == COMMAND for _, rows in chunks)
    assert [(ts - day, len(rows)) for ts, rows in source.chunks(10)] == [(10**9, 3), (10**9 + 20, 1)]
    assert [int(rows["ts"][0]) for _, rows in chunks] == [ts for ts, _ in chunks]


def test_chunks_give_what_was_good_before_an_error(tmp_path: Path) -> None:
    source = Lobster(lobster_pair(tmp_path, [HIDDEN, "garbage | 1,2,3,4"]))
    chunks = list[tuple[int, Commands]]()
    with pytest.raises(SourceError, match="row 2"):
        chunks.extend(source.chunks())
    assert [len(rows) for _, rows in chunks] == [2]


def test_symbol_and_grid_come_from_the_name_unless_given(tmp_path: Path) -> None:
    path = lobster_pair(tmp_path, [HIDDEN])
    assert Lobster(path).instruments == (Instrument("ABC", "0.01", "1"),)
    mine = Instrument("MINE", "0.005", "1")
    step = next(iter(Lobster(path, instrument=mine)))
    assert step.row.best == ((20000, 30), (20200, 50))


def test_both_files_may_be_named_and_either_is_enough(tmp_path: Path) -> None:
    message = lobster_pair(tmp_path, [HIDDEN])
    orderbook = message.with_name(message.name.replace("message", "orderbook"))
    moved = orderbook.rename(tmp_path / "elsewhere.csv")
    assert len(list(Lobster(message, moved))) == 1
    with pytest.raises(SourceError, match="cannot be read"):
        Lobster(message)
    moved.rename(orderbook)
    assert Lobster(orderbook).message_path == message


def test_an_empty_pair_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no message"):
        Lobster(lobster_pair(tmp_path, []))
