import pyarrow as pa
import pytest
from support.kept import Made, keep
from support.own_channel import SCHEMA, some, writer

from rtlab.errors import StoreError
from rtlab.store.api import Store
from rtlab.store.cold.own import OwnWriter, own_files, schema_of
from rtlab.store.cold.place import LocalPlace


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


def test_ticks_and_lots_become_prices_and_quantities(store, made):
    query = (
        "SELECT price * tick_size AS p, qty * lot_size AS q FROM trades JOIN instruments USING (instrument)"
    )
    got = store.sql(f"{query} ORDER BY seq").to_pylist()
    grid = store.instruments()["BTC-USD"]
    expected = [(float(grid.price(row[4])), float(grid.quantity(row[5]))) for row in made.trades]
    assert [(one["p"], one["q"]) for one in got] == [pytest.approx(one) for one in expected]


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


def test_nothing_kept_knows_no_instrument(tmp_path):
    with Store(tmp_path) as nothing:
        assert nothing.sql("SELECT * FROM instruments").num_rows == 0


def test_nothing_kept_is_empty_views(tmp_path):
    with Store(tmp_path) as store:
        assert store.sql("SELECT * FROM trades").num_rows == 0


NOTES = "SELECT instrument, count(*) AS n, sum(size) AS size, max(note) AS note FROM notes GROUP BY ALL"


def test_an_own_channel_is_a_view_of_its_files_and_its_tail(store, tmp_path):
    with writer(tmp_path) as one:
        for first in (0, 3, 6):
            one.append(some(first, 3))
            told = {"instrument": "BTC/USD", "n": first + 3, "size": sum(range(0, 2 * first + 6, 2))}
            assert store.sql(NOTES).to_pylist() == [told | {"note": f"n{first + 2}"}]
            one.roll()
    assert store.compact()["notes/BTC/USD"].made == 1
    assert store.sql(NOTES).column("n").to_pylist() == [9]
    for file in own_files(LocalPlace(tmp_path)):
        (tmp_path / file.path).unlink()
    with pytest.raises(StoreError, match="notes does not exist"):
        store.sql(NOTES)


def test_what_an_instrument_lacks_in_an_own_channel_is_empty(store, tmp_path):
    other = schema_of([pa.field("note", pa.string()), pa.field("weight", pa.float64())])
    with writer(tmp_path) as one, OwnWriter(LocalPlace(tmp_path), tmp_path, "notes", "ETH's", other) as two:
        one.append(some(0, 2))
        two.append(pa.table({"ts": [5], "note": ["x"], "weight": [0.5]}))
        two.roll()
    told = store.sql("SELECT size, weight, instrument FROM notes ORDER BY ts").to_pylist()
    assert [tuple(row.values()) for row in told] == [
        (0, None, "BTC/USD"),
        (None, 0.5, "ETH's"),
        (2, None, "BTC/USD"),
    ]


def test_own_channels_are_joined_with_the_markets_whatever_they_are_called(store, made, tmp_path):
    for channel in ("open_book", "select"):
        with OwnWriter(LocalPlace(tmp_path), tmp_path, channel, "BTC-USD", SCHEMA) as one:
            one.append(some(0, 2))
    told = store.sql("""
        SELECT count(*) AS n FROM book b JOIN open_book o USING (instrument) JOIN "select" s USING (instrument)
    """)
    assert told.column("n").to_pylist() == [4 * len(made.book)]


def test_two_channels_that_differ_in_case_alone_are_told(store, tmp_path):
    for channel in ("notes", "Notes"):
        with writer(tmp_path, channel=channel) as one:
            one.append(some(0, 1))
    with pytest.raises(StoreError, match="differ in case alone, which SQL does not tell: got Notes, notes"):
        store.sql(NOTES)


class Merging(Store):
    """A store whose files are merged by another once, after they were looked for and before DuckDB opens them."""

    def __init__(self, folder):
        super().__init__(folder)
        self.looked = []

    def _own_parts(self, query):
        self.looked.append(super()._own_parts(query))
        if len(self.looked) == 1:
            with Store(self.place.root) as other:
                other.compact()
        return self.looked[-1]


def test_files_that_are_merged_before_they_are_read_are_asked_for_anew(made, tmp_path):
    with writer(tmp_path) as one:
        for first in (0, 3):
            one.append(some(first, 3))
            one.roll()
    with Merging(tmp_path) as store:
        told = store.sql("SELECT (SELECT count(*) FROM notes) AS notes, (SELECT count(*) FROM book) AS book")
        assert told.to_pylist() == [{"notes": 6, "book": len(made.book)}]
        assert [len(one["notes"][0].files) for one in store.looked] == [2, 1]
