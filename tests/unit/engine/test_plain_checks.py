"""The plain twin's reasons that no other test names."""

import pytest

from rtlab.engine.plain_book import Book, Order
from rtlab.engine.plain_checks import Row, malformed, misfit, refused_by_market
from rtlab.model import CommandKind, Flag, OrderType, Phase, Reason, Rules, TimeInForce

PLAIN = Row(*[0] * len(Row._fields))._replace(kind=CommandKind.NEW, price=100, qty=5, order_id=1)


def test_a_plain_order_is_well_formed() -> None:
    assert malformed(PLAIN, 0) is None


@pytest.mark.parametrize("kind", [kind for kind in CommandKind if kind > CommandKind.REPLACE])
def test_no_other_command_has_the_flags_of_an_order(kind: CommandKind) -> None:
    row = PLAIN._replace(kind=kind, flags=Flag.POST_ONLY, owner=7)
    assert malformed(row, 0) == Reason.BAD_FLAGS


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
def test_what_ends_at_once_has_no_slices(tif: TimeInForce) -> None:
    assert malformed(PLAIN._replace(tif=tif, display_qty=1), 0) == Reason.BAD_DISPLAY


def test_a_replacement_must_fit_its_order() -> None:
    row = PLAIN._replace(kind=CommandKind.REPLACE)
    plain, stop = Order(1, 0, 0, 0, 100, 5), Order(1, 0, 0, 0, 100, 5, OrderType.STOP)
    assert misfit(row._replace(stop_price=9), plain) == Reason.BAD_STOP
    assert misfit(row._replace(stop_price=9), stop) is None
    assert misfit(row._replace(display_qty=1), stop) == Reason.BAD_DISPLAY
    assert misfit(row._replace(trail=1), stop) == Reason.BAD_TRAIL


@pytest.mark.parametrize("phase", Phase)
def test_which_phase_takes_which_order(phase: Phase) -> None:
    book = Book(Rules(), phase=phase)
    at_once = PLAIN._replace(tif=TimeInForce.IOC)
    assert (refused_by_market(PLAIN, book, True) is None) == (phase not in (Phase.HALTED, Phase.CLOSED))
    assert (refused_by_market(at_once, book, True) is None) == (phase == Phase.CONTINUOUS)
