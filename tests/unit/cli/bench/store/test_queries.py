from rtlab.cli.bench.store.queries import QUERIES, RUNS, ask


def test_every_question_is_asked_ten_times():
    asked = ask(30_000)
    assert asked.case == "30,000 rows, 2,500 trades of it"
    assert set(asked.took) == set(QUERIES)
    assert all(len(one) == RUNS and min(one) > 0 for one in asked.took.values())
