import numpy as np
import pytest

from rtlab.sources.simulation import layout
from rtlab.sources.simulation.layout import Half, Market, Order, Rung, State, row_type


@pytest.mark.parametrize("shape", [State, Market, Half, Rung, Order])
def test_a_row_has_the_fields_of_its_shape_in_their_order(shape: type) -> None:
    assert row_type(shape).names == tuple(shape.__annotations__)


def test_a_row_is_aligned_as_a_kernel_reads_it() -> None:
    assert row_type(Order).isalignedstruct
    assert row_type(Rung)["head"] == np.int32
    assert row_type(State)["random"] == np.uint64


def test_the_masks_of_the_kernel_are_of_powers_of_two() -> None:
    for name in ("ONE", "RING", "ROOM", "REGIMES"):
        number = getattr(layout, name)
        assert number & (number - 1) == 0
    assert layout.TABLE_MASK == 4095


def test_a_half_has_room_for_what_it_opens_with_and_tends_to() -> None:
    assert layout.LEAST < layout.OPENING < layout.ROOM
    assert layout.USUAL < layout.ROOM // 2
