from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.errors import GridError
from rtlab.model import Instrument
from rtlab.sources.grid import Grid

STEPS = ["0.10", "0.01", "0.0001", "0.00001", "0.5", "0.25", "0.05", "1", "10", "5", "1E+2", "2.5E-3"]


@pytest.mark.parametrize(
    ("step", "text", "steps"),
    [
        ("0.10", "61800.20", 618002),
        ("0.10", "61800.2", 618002),
        ("0.10", "61800.20000000", 618002),
        ("0.01", "0.00000000", 0),
        ("0.01", "0", 0),
        ("0.5", "3", 6),
        ("0.25", "1.75", 7),
        ("10", "120.000", 12),
        ("1E+2", "700", 7),
        ("0.001", ".5", 500),
        ("0.001", "5.", 5000),
        ("1", ".0", 0),
        ("0.00000001", "9999999999.99999999", 999999999999999999),
    ],
)
def test_text_becomes_whole_steps(step: str, text: str, steps: int) -> None:
    assert Grid(Decimal(step))[text] == steps


@pytest.mark.parametrize("text", ["61800.25", "61800.201", "0.01", "0.1000001"])
def test_between_two_steps_is_an_error(text: str) -> None:
    with pytest.raises(GridError, match=r"price is off the grid: expected a multiple of 0\.10, got"):
        Grid(Decimal("0.10"), "price")[text]


@pytest.mark.parametrize(
    "text", ["", ".", "-1", "+1", "1e3", "nan", "inf", "1,5", "1.2.3", " 1", "٣", "1" * 41]
)
def test_what_is_no_plain_decimal_is_an_error(text: str) -> None:
    with pytest.raises(GridError, match="not a plain decimal"):
        Grid(Decimal("0.10"), "price")[text]


@pytest.mark.parametrize("step", ["0", "-0.1", "nan", "inf"])
def test_a_step_must_be_above_zero(step: str) -> None:
    with pytest.raises(GridError, match="above 0"):
        Grid(Decimal(step))


@settings(deadline=None)
@given(st.sampled_from(STEPS), st.decimals(0, 10**9, places=6).map(abs))
def test_a_grid_and_an_instrument_agree_on_every_number(step: str, number: Decimal) -> None:
    instrument, text = Instrument("X", Decimal(step), Decimal(1)), format(number, "f")
    try:
        ticks = instrument.ticks(number)
    except GridError:
        with pytest.raises(GridError):
            Grid(Decimal(step))[text]
    else:
        assert Grid(Decimal(step))[text] == ticks


@settings(deadline=None)
@given(st.sampled_from(STEPS), st.integers(0, 10**12))
def test_every_multiple_of_the_step_comes_back(step: str, steps: int) -> None:
    assert Grid(Decimal(step))[format(Decimal(step) * steps, "f")] == steps


def test_the_memory_of_texts_is_bounded() -> None:
    grid = Grid(Decimal("0.1"), limit=10)
    for i in range(100):
        assert grid[f"{i}.5"] == i * 10 + 5
    assert len(grid) <= 10


def test_an_error_is_not_remembered() -> None:
    grid = Grid(Decimal("0.1"))
    with pytest.raises(GridError):
        grid["0.15"]
    assert len(grid) == 0
