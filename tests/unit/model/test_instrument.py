from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import GridError, InstrumentError
from rtlab.model import Instrument

BTC = Instrument("BTC-USD", Decimal("0.10"), Decimal("0.001"))


def test_sizes_may_be_given_as_text_and_become_decimals():
    assert Instrument("BTC-USD", "0.10", "0.001") == BTC


@pytest.mark.parametrize(
    ("price", "ticks"), [("101.2", 1012), (101.2, 1012), (Decimal("0.1"), 1), (0, 0), (7, 70), ("1E+2", 1000)]
)
def test_a_price_on_the_grid_is_exact(price, ticks):
    assert BTC.ticks(price) == ticks
    assert BTC.price(ticks) == Decimal(str(price))


@pytest.mark.parametrize("price", ["101.25", 101.25, "0.05", Decimal("1e-30")])
def test_a_price_off_the_grid_is_an_error_and_never_rounded(price):
    with pytest.raises(
        GridError, match="BTC-USD: price is off the grid: expected a multiple of the tick size"
    ):
        BTC.ticks(price)


def test_a_quantity_off_the_grid_names_the_lot_size():
    with pytest.raises(
        GridError, match=r"quantity is off the grid: expected a multiple of the lot size 0\.001, got 0\.0005"
    ):
        BTC.lots("0.0005")


@pytest.mark.parametrize("price", ["", "abc", None, [], float("nan"), "Infinity"])
def test_what_is_no_number_is_refused(price):
    with pytest.raises(GridError):
        BTC.ticks(price)


@pytest.mark.parametrize("size", ["0", "-0.1", 0])
def test_a_grid_of_zero_or_less_is_refused(size):
    with pytest.raises(InstrumentError, match="tick_size must be above 0"):
        Instrument("X", size, 1)


@pytest.mark.parametrize("symbol", ["", "A\nB"])
def test_a_symbol_must_be_printable(symbol):
    with pytest.raises(InstrumentError, match="printable symbol"):
        Instrument(symbol, 1, 1)


def test_an_instrument_is_frozen_and_hashable():
    with pytest.raises(AttributeError):
        BTC.symbol = "ETH-USD"
    assert len({BTC, Instrument("BTC-USD", "0.1", "0.001")}) == 1


@given(st.integers(0, 10**15), st.sampled_from(["0.01", "0.1", "0.25", "5", "0.00000001"]))
def test_ticks_and_price_are_inverse(ticks, size):
    instrument = Instrument("X", size, "1")
    assert instrument.ticks(instrument.price(ticks)) == ticks


def test_an_instrument_survives_the_wire():
    assert msgspec.json.decode(msgspec.json.encode(BTC), type=Instrument) == BTC
