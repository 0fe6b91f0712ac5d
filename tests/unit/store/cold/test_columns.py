import pyarrow as pa
from support.kept import Made, plain

from rtlab.book import Step
from rtlab.store.cold.columns import Stand, StepRows, no_rows, of_channel, stand_after, steps_of

STEPS = [
    Step(5, [0, 1], [100, 101], [7, 0], []),
    Step(6, [], [], [], [(6, 100, 2, 1)]),
    Step(9, [1], [103], [4], [(8, 101, 1, 0), (9, 101, 3, 0)]),
]


def test_steps_become_rows_with_dense_sequences_and_the_position_of_their_end():
    rows = StepRows(Stand(3, 10, 6, 4, 1))
    for step in STEPS:
        rows.add(step)
    assert len(rows) == 6
    assert rows.stand == Stand(3, 16, 9, 7, 9)
    table = pa.Table.from_batches([rows.take()])
    assert len(rows) == 0
    assert plain(of_channel(table, "book")) == [
        (3, 7, 5, 0, 100, 7),
        (3, 8, 5, 1, 101, 0),
        (3, 9, 9, 1, 103, 4),
    ]
    assert plain(of_channel(table, "trades")) == [
        (3, 5, 6, 1, 100, 2),
        (3, 6, 8, 0, 101, 1),
        (3, 7, 9, 0, 101, 3),
    ]
    assert of_channel(table, "book").column("step").to_pylist() == [12, 12, 16]
    assert stand_after(Stand(3, 10, 6, 4, 1), table) == Stand(3, 16, 9, 7, 9)


def test_a_span_of_time_is_cut_from_the_rows():
    rows = StepRows(Stand(3))
    for step in STEPS:
        rows.add(step)
    table = pa.Table.from_batches([rows.take()])
    assert of_channel(table, "trades", 8, 9).column("ts").to_pylist() == [8]


def test_steps_come_back_from_rows_as_they_were():
    made, steps = Made(), []
    note = made.market.on_step

    def tee(state, step):
        note(state, step)
        if state.instrument.symbol == "BTC-USD":
            steps.append(step)

    made.market.on_step = tee
    made.make(60)
    table = pa.Table.from_batches([made.rows.take()])
    assert any(step.trades and step.sides for step in steps)
    back = list(steps_of(of_channel(table, "book"), of_channel(table, "trades")))
    assert [step for _, step in back] == steps
    assert back[-1][0] == made.market.state("BTC-USD").position


def test_nothing_is_no_steps():
    assert list(steps_of(no_rows(), no_rows())) == []
    assert stand_after(Stand(1, 2, 1, 1), no_rows()) == Stand(1, 2, 1, 1)
