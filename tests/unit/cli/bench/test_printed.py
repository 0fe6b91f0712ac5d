import re

import pytest

from rtlab.cli.bench.printed import holds, number, table, times_better


def row(name="throughput", contender="rtlab", case="normal", unit="events/s", median=100.0, **more):
    numbers = {"runs": 1, "median": median, "min": median, "max": median}
    return {"name": name, "contender": contender, "case": case, "unit": unit, **numbers, **more}


def goal(value=3.0, bound=4.0, op="<=", unit="ms"):
    return {"show": 1, "name": "p99", "value": value, "bound": bound, "op": op, "unit": unit}


def report(*rows, goals=(), bench="flow", **more):
    box = {"cpu": "a processor", "cores": 2}
    return {"bench": bench, "machine": box, "results": list(rows), "goals": list(goals), **more}


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def lines_of(text, bench):
    return [cells(line) for line in text.splitlines() if line.startswith(f"| {bench} |")]


def test_what_has_a_peer_in_the_same_case_stands_beside_it_with_the_ratio():
    told = table([report(row(), row(contender="other 1.0", median=25.0))])
    assert lines_of(told, "flow") == [["flow", "throughput, normal", "100 events/s", "other 1.0: 25 (x 4)"]]


def test_a_peer_that_is_better_has_a_ratio_below_one():
    told = table([report(row(unit="us"), row(contender="other", unit="us", median=50.0))])
    assert lines_of(told, "flow")[0][3] == "other: 50 (x 0.5)"


def test_what_has_no_peer_in_its_case_is_left_to_the_goals():
    rows = row(), row(case="alone"), row(contender="other", case="elsewhere")
    assert lines_of(table([report(*rows)]), "flow") == []


def test_a_peer_without_a_number_says_why_and_alone_makes_no_line():
    missing = row(contender="absent", median=None, reason="not installed")
    assert lines_of(table([report(row(), missing)]), "flow") == []
    told = table([report(row(), missing, row(contender="there", median=50.0))])
    assert lines_of(told, "flow")[0][3] == "absent: - (not installed); there: 50 (x 2)"


def test_ours_without_a_number_makes_no_line():
    assert lines_of(table([report(row(median=None), row(contender="other"))]), "flow") == []


def test_a_bare_count_makes_no_line_for_it_is_neither_good_nor_bad():
    assert lines_of(table([report(row(unit="1/s"), row(contender="other", unit="1/s"))]), "flow") == []


def test_of_many_cases_the_first_stand_there_and_how_many_more_there_are():
    rows = [row(case=f"case {n}", contender=name) for n in range(25) for name in ("rtlab", "other")]
    lines = lines_of(table([report(*rows)]), "flow")
    assert [line[1] for line in lines[:10]] == [f"throughput, case {n}" for n in range(10)]
    assert lines[10:] == [["flow", "15 more by `rtlab bench flow`", "", ""]]


def test_ours_may_say_by_what_way():
    told = table([report(row(contender="rtlab, RabbitMQ"), row(contender="other"))])
    assert len(lines_of(told, "flow")) == 1


@pytest.mark.parametrize(
    ("value", "op", "verdict"),
    [(3.0, "<=", "holds"), (5.0, "<=", "missed"), (5.0, ">=", "holds"), (None, ">=", "missed")],
)
def test_each_goal_stands_with_its_bound_and_verdict(value, op, verdict):
    (line,) = lines_of(table([report(goals=[goal(value, op=op)])]), "flow")
    assert line == ["flow", "p99", number(value), f"{op} 4 ms", verdict]
    assert holds(goal(value, op=op)) is (verdict == "holds")


def test_a_bench_that_could_not_be_measured_says_why():
    failed = {"bench": "bus", "results": [], "goals": [], "reason": "ended with status 2: no | broker"}
    told = table([failed, report(row(), row(contender="other"))])
    assert lines_of(told, "bus") == [
        ["bus", "all", "-", "", "not measured: ended with status 2: no / broker"]
    ]
    assert told.startswith("On cpu a processor, cores 2.\n")


def test_nothing_measured_is_no_machine():
    assert table([]).startswith("On no machine.")


def test_every_line_has_as_many_cells_as_its_head():
    rows = row(name="a | b"), row(name="a | b", contender="x\ny")
    for block in table([report(*rows, goals=[goal()])]).strip().split("\n\n")[1:]:
        widths = {len(re.findall(r"\|", line)) for line in block.splitlines()}
        assert len(widths) == 1


@pytest.mark.parametrize(
    ("unit", "times"), [("events/s", 2.0), ("bytes/s", 0.5), ("us", 0.5), ("1/s", None), ("", 0.5)]
)
def test_more_is_better_only_of_what_is_done_in_a_second(unit, times):
    assert times_better(row(unit=unit, median=10.0), row(unit=unit, median=5.0)) == times


def test_of_nothing_there_is_no_ratio():
    assert times_better(row(median=0.0), row(median=5.0)) is None
    assert times_better(row(median=5.0), row(median=None)) is None


@pytest.mark.parametrize(
    ("value", "told"), [(None, "-"), (0.12345, "0.1235"), (1234.5, "1,234"), (98765.4, "98,765"), (0, "0")]
)
def test_numbers_have_four_digits(value, told):
    assert number(value) == told
