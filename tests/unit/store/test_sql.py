import pytest
from support.kept import Made, keep

from rtlab.errors import StoreError
from rtlab.store.api import Store


@pytest.fixture
def made(tmp_path):
    one = Made()
    keep(tmp_path, one, rolls=3)
    return one


@pytest.fixture
def store(made, tmp_path):
    with Store(tmp_path) as one:
        yield one


def test_files_and_tail_are_one_view(store, made):
    told = store.sql("SELECT instrument, count(*) AS n, max(seq) AS last FROM book GROUP BY ALL").to_pylist()
    assert told == [{"instrument": "BTC-USD", "n": len(made.book), "last": len(made.book)}]
    bought = store.sql("SELECT sum(qty) FROM trades WHERE side = 0").column(0)[0].as_py()
    assert bought == sum(row[5] for row in made.trades if row[3] == 0)


def test_a_later_question_sees_what_came_meanwhile(store, made, tmp_path):
    for _ in range(3):
        keep(tmp_path, made, rolls=1)
        assert store.sql("SELECT count(*) FROM book").column(0)[0].as_py() == len(made.book)


@pytest.mark.parametrize(
    "query",
    [
        "CREATE TABLE x AS SELECT 1",
        "DELETE FROM book",
        "COPY book TO '/tmp/stolen.csv'",
        "SELECT 1; SELECT 2",
        "SET threads = 1",
        "ATTACH '/tmp/x.db'",
        "",
    ],
)
def test_sql_that_writes_is_refused_by_name(store, query):
    with pytest.raises(StoreError, match="the store's SQL only reads: expected one SELECT, got"):
        store.sql(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/hosts'",
        "SELECT nothing FROM book",
        "SELEC",
    ],
)
def test_a_query_that_fails_or_reaches_elsewhere_is_one_clear_error(store, query):
    with pytest.raises(StoreError, match="the query fails"):
        store.sql(query)


def test_nothing_kept_is_empty_views(tmp_path):
    with Store(tmp_path) as store:
        assert store.sql("SELECT * FROM trades").num_rows == 0
