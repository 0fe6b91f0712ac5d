from decimal import Decimal
from pathlib import Path

import pytest
from support.recordings import lobster_pair

from rtlab.errors import GridError, RtlabError, SourceError
from rtlab.model import Instrument, Side
from rtlab.sources.lobster_files import LobsterRow, MessageType, pair_of, rows, symbol_and_day

INSTRUMENT = Instrument("ABC", Decimal("0.01"), Decimal(1))
GOOD = "34200.189607670,1,11885113,21,2238100,1 | 2239500,100,2238100,21"


def read(message: Path, day_ns: int = 0) -> tuple[list[LobsterRow], RtlabError | None]:
    good: list[LobsterRow] = []
    try:
        good.extend(rows(*pair_of(message), INSTRUMENT, day_ns))
    except RtlabError as error:
        return good, error
    return good, None


def test_a_row_is_brought_onto_our_grid(tmp_path: Path) -> None:
    good, error = read(lobster_pair(tmp_path, [GOOD]))
    assert error is None
    assert good == [
        LobsterRow(
            number=1,
            ts=34_200_189_607_670,
            type=MessageType.ADDED,
            order_id=11885113,
            size=21,
            price=22381,
            side=Side.BID,
            best=((22381, 21), (22395, 100)),
        )
    ]


@pytest.mark.parametrize(
    ("time", "ns"),
    [
        ("34200", 34_200_000_000_000),
        ("34200.5", 34_200_500_000_000),
        ("34200.000000001", 34_200_000_000_001),
        ("57599.999999999", 57_599_999_999_999),
        ("34200.0000000019", 34_200_000_000_001),
    ],
)
def test_times_are_exact_to_the_nanosecond(tmp_path: Path, time: str, ns: int) -> None:
    good, _ = read(lobster_pair(tmp_path, [GOOD.replace("34200.189607670", time)]), day_ns=7)
    assert good[0].ts == ns + 7


def test_an_empty_side_shows_nothing(tmp_path: Path) -> None:
    row = "34200.1,3,1,21,2238100,1 | 9999999999,0,-9999999999,0"
    good, _ = read(lobster_pair(tmp_path, [row]))
    assert good[0].best == (None, None)


def test_a_hidden_execution_may_lie_between_two_ticks(tmp_path: Path) -> None:
    good, error = read(lobster_pair(tmp_path, ["34200.1,5,0,1,2238150,-1 | 2239500,100,2238100,21"]))
    assert error is None
    assert (good[0].type, good[0].price, good[0].side) == (MessageType.HIDDEN, 0, Side.ASK)


@pytest.mark.parametrize(
    "row",
    [
        "hello | 1,2,3,4",
        "34200.1,1,2,3,2238100 | 2239500,100,2238100,21",
        "34200.1,1,2,3,2238100,0 | 2239500,100,2238100,21",
        "34200.1,9,2,3,2238100,1 | 2239500,100,2238100,21",
        "34200.1,1,x,3,2238100,1 | 2239500,100,2238100,21",
        "34200.x,1,2,3,2238100,1 | 2239500,100,2238100,21",
        "34200.1,1,2,3,2238100,1 | 2239500,100,2238100",
        "34200.1,1,2,3,2238100,1 | 2239500,100,2238100,21,2239600,1,2238000,1",
    ],
)
def test_a_foreign_row_is_named_after_the_good_ones(tmp_path: Path, row: str) -> None:
    good, error = read(lobster_pair(tmp_path, [GOOD, GOOD, row, GOOD]))
    assert len(good) == 2
    assert isinstance(error, SourceError)
    assert "row 3 is not one of LOBSTER" in str(error)


@pytest.mark.parametrize("row", [GOOD.replace("2238100,1", "2238150,1"), GOOD.replace("2239500", "2239550")])
def test_a_price_off_the_grid_names_the_row(tmp_path: Path, row: str) -> None:
    good, error = read(lobster_pair(tmp_path, [GOOD, row]))
    assert len(good) == 1
    assert isinstance(error, GridError)
    assert "row 2: ABC: price is off the grid" in str(error)


@pytest.mark.parametrize("kind", ["message", "orderbook"])
def test_files_of_unequal_length_are_told(tmp_path: Path, kind: str) -> None:
    message = lobster_pair(tmp_path, [GOOD] * 3)
    shorter = message.with_name(message.name.replace("message", kind))
    shorter.write_text("".join(shorter.read_text().splitlines(keepends=True)[:2]))
    good, error = read(message)
    assert len(good) == 2
    assert isinstance(error, SourceError)
    assert str(shorter) in str(error)
    assert "ends before the other: expected a row 3" in str(error)


def test_the_pair_is_found_from_either_file() -> None:
    message, orderbook = Path("d/A_message_1.csv"), Path("d/A_orderbook_1.csv")
    assert pair_of(message) == pair_of(orderbook) == (message, orderbook)
    with pytest.raises(SourceError, match="does not tell which file"):
        pair_of(Path("d/A.csv"))


@pytest.mark.parametrize(
    ("name", "symbol", "day_ns"),
    [
        ("AMZN_2012-06-21_message_1.csv.gz", "AMZN", 1_340_236_800_000_000_000),
        ("AMZN_2012-06-21_34200000_57600000_message_1.csv", "AMZN", 1_340_236_800_000_000_000),
        ("XYZ_message.csv", "XYZ", 0),
        ("message.csv", "message", 0),
    ],
)
def test_symbol_and_day_are_in_the_name(name: str, symbol: str, day_ns: int) -> None:
    assert symbol_and_day(Path(name)) == (symbol, day_ns)
