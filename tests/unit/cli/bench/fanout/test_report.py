"""What is made of measurements, on measurements whose ratios are known."""

import pytest

from rtlab.cli.bench.fanout.contenders import BROADCAST, OURS, PICOWS, RAW
from rtlab.cli.bench.fanout.report import Case, Measured, report
from rtlab.cli.bench.fanout.serving import Spent

ONE, MANY = Case(100, 10.0, together=False), Case(3_000, 10.0, together=False)
TEN = Case(100, 1.0, together=True)


def window(name: str, case: Case, turn: int, cpu_s: float, sends: int, *, ticks: int = 10) -> Measured:
    return Measured(name, case, turn, Spent(cpu_s, 0.5, ticks), sends, 0.25, 8192.0 * (turn + 1), 0, 0, None)


def goals_of(measured: list[Measured], cases: list[Case]) -> dict[str, dict]:
    made = report(
        cases, measured, {OURS: OURS, RAW: RAW, BROADCAST: BROADCAST}, {PICOWS: "not installed"}, {}
    )
    return {goal["name"]: goal for goal in made["goals"]}


def test_ratios_are_taken_in_each_round_and_their_median_is_told():
    measured = []
    for turn, noise in enumerate((1.0, 3.0, 2.0)):
        measured += [
            window(OURS, ONE, turn, noise * 0.002, 1000),
            window(RAW, ONE, turn, noise * 0.001, 1000),
            window(BROADCAST, ONE, turn, noise * (0.004 if turn else 0.002), 1000),
        ]
    goals = goals_of(measured, [ONE])
    assert goals[f"CPU per send / {RAW}, 100 readers"]["value"] == pytest.approx(2.0)
    assert goals[f"CPU per send / {BROADCAST}, 100 readers"]["value"] == pytest.approx(0.5)
    assert goals[f"CPU per send / {PICOWS}, 100 readers"]["value"] is None
    assert goals["memory per reader"]["value"] == 8.0  # of the first round


def test_what_was_merged_is_not_counted_as_sent():
    made = report([ONE], [window(OURS, ONE, 0, 0.001, 250)], {OURS: OURS}, {}, {})
    rows = {row["name"]: row for row in made["results"]}
    assert rows["CPU per send"]["median"] == pytest.approx(4.0)
    assert rows["ticks sent on their own"]["median"] == 25.0
    assert rows["CPU per tick beside it: folding the market"]["median"] == 50_000.0


def test_ten_increments_in_one_send_are_compared_with_ten_sends_each():
    ours = window(
        OURS, TEN, 0, 0.001, 10 * 100 * 10
    )  # increments: of ten instruments, to 100 readers, 10 times
    raw = window(RAW, TEN, 0, 0.008, 10 * 100 * 10)  # frames: ten to each
    goals = goals_of([ours, raw], [TEN])
    assert goals[f"ten increments coalesced / ten {RAW}, 100 readers"]["value"] == pytest.approx(0.125)


def test_the_bound_beside_raw_is_wider_from_2_000_readers_on():
    names = goals_of([window(OURS, MANY, 0, 1.0, 10), window(RAW, MANY, 0, 1.0, 10)], [ONE, MANY])
    assert names[f"CPU per send / {RAW}, 100 readers"]["bound"] == 1.25
    assert names[f"CPU per send / {RAW}, 3,000 readers"]["bound"] == 1.5


def test_who_is_absent_and_what_is_too_many_have_a_row_with_the_reason():
    made = report([ONE, MANY], [], {OURS: OURS}, {PICOWS: "not installed"}, {MANY: "too few files"})
    reasons = {(row["contender"], row["case"]): row["reason"] for row in made["results"]}
    assert reasons == {(PICOWS, str(ONE)): "not installed", (OURS, str(MANY)): "too few files"}
    assert all(row["median"] is None for row in made["results"])
