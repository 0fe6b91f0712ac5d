from pathlib import Path

from support.recordings import lobster_pair

from rtlab.engine.reference import ReferenceEngine
from rtlab.model import EventKind
from rtlab.sources.lobster import Lobster
from rtlab.sources.lobster_check import LobsterCheck, LobsterReport, verify

HIDDEN = "1.0,5,0,1,1000000,1 | 1010000,50,1000000,30"
ADDED = "2.0,1,7,20,1000000,1 | 1010000,50,1000000,50"


def report(tmp_path: Path, *rows: str) -> LobsterReport:
    lobster = Lobster(lobster_pair(tmp_path, rows))
    return verify(lobster, ReferenceEngine(lobster.instruments))


def test_a_replay_that_is_right_says_so(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        HIDDEN,
        ADDED,
        "3.0,4,3,30,1000000,1 | 1010000,50,1000000,20",
        "4.0,4,7,5,1000000,1 | 1010000,50,1000000,15",
        "5.0,3,7,15,1000000,1 | 1010000,50,999000,4",
        "6.0,5,0,1,1000500,1 | 1010000,50,999000,4",
    )
    assert found == LobsterReport(
        name="ABC_2012-06-21_message_1.csv",
        rows=6,
        predicted=3,
        right=3,
        revealed=1,
        untouched=2,
        executions=2,
        makers=1,
        makers_right=1,
        misses=(),
    )
    assert found.unexplained == 0
    assert found.lines()[1] == "best price and size of the touched side: 3 of 3"


def test_the_other_side_is_not_counted(tmp_path: Path) -> None:
    found = report(tmp_path, HIDDEN, "2.0,1,7,20,1000000,1 | 1010000,51,1000000,50")
    assert (found.predicted, found.right) == (1, 1)


def test_trades_of_one_time_that_do_not_add_up_are_no_sweep(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        "1.0,5,0,1,1000000,1 | 1010000,50,1000000,30",
        "2.0,1,7,20,1001000,1 | 1010000,50,1001000,20",
        "3.0,1,8,10,1001000,1 | 1010000,50,1001000,30",
        "4.0,4,8,10,1001000,1 | 1010000,50,1001000,20",
        "4.0,4,7,15,1001000,1 | 1010000,50,1001000,5",
    )
    assert (found.predicted, found.right) == (4, 4)
    assert (found.makers, found.makers_right) == (2, 0)
    assert [miss.row for miss in found.misses] == [4, 5]
    assert not any("one sweep" in miss.why for miss in found.misses)
    assert found.unexplained == 0


def test_a_complete_sweep_in_another_order_is_one_sweep(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        HIDDEN,
        "2.0,1,7,20,1001000,1 | 1010000,50,1001000,20",
        "3.0,1,8,10,1001000,1 | 1010000,50,1001000,30",
        "4.0,4,8,10,1001000,1 | 1010000,50,1001000,20",
        "4.0,4,7,20,1001000,1 | 1010000,50,1000000,30",
    )
    assert [miss.row for miss in found.misses] == [4, 5]
    assert all("one sweep" in miss.why for miss in found.misses)
    assert found.unexplained == 0


def test_an_order_that_jumped_its_queue_explains_what_follows(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        HIDDEN,
        ADDED,
        "3.0,4,7,5,1000000,1 | 1010000,50,1000000,45",
        "4.0,3,7,15,1000000,1 | 1010000,50,1000000,30",
        "5.0,1,9,10,1000000,1 | 1010000,50,1000000,40",
    )
    maker, best = found.misses
    assert (maker.row, maker.what, maker.told) == (3, "maker", [(7, 5)])
    assert (
        maker.why
        == "the file fills order 7 before what was revealed there, which rested there before it came"
    )
    assert (best.row, best.what, best.told, best.predicted) == (
        4,
        "bid after deleted",
        (10000, 30),
        (10000, 25),
    )
    assert best.why == "the engine had given order 7's trades of rows 3 to those ahead of it"
    assert (found.predicted, found.right) == (4, 3)  # the file is taken at its word again: row 5 is right


def test_a_miss_without_a_reason_is_told_as_such(tmp_path: Path) -> None:
    found = report(tmp_path, HIDDEN, "2.0,1,7,20,1000000,1 | 1010000,50,1000000,55")
    assert found.unexplained == 1
    assert found.lines()[-1] == (
        "row 2: bid after added: the file says (10000, 55), the engine (10000, 50): not explained"
    )


def test_a_level_that_the_engine_still_holds_is_a_miss_not_a_reveal(tmp_path: Path) -> None:
    found = report(tmp_path, HIDDEN, "2.0,3,3,10,1000000,1 | 1010000,50,999000,5")
    assert (found.predicted, found.right, found.revealed) == (1, 0, 0)


def test_each_step_gives_the_events_of_its_commands(tmp_path: Path) -> None:
    lobster = Lobster(lobster_pair(tmp_path, [HIDDEN, ADDED]))
    check = LobsterCheck(lobster, ReferenceEngine(lobster.instruments))
    first, second = (check.step(step) for step in lobster)
    assert [len(events) for events in first] == [4]
    assert second[0]["kind"].tolist() == [EventKind.ACCEPTED, EventKind.LEVEL]
    assert check.report().rows == 2


def test_a_report_may_be_asked_for_twice(tmp_path: Path) -> None:
    lobster = Lobster(lobster_pair(tmp_path, [HIDDEN, ADDED, "3.0,4,7,5,1000000,1 | 1010000,50,1000000,45"]))
    check = LobsterCheck(lobster, ReferenceEngine(lobster.instruments))
    for step in lobster:
        check.step(step)
    assert len(check.report().misses) == 1
    assert check.report() == check.report()
