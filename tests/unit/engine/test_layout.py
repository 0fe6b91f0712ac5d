"""The rows of the kernel have the bytes of the rows of the model."""

import numpy as np
import pytest

from rtlab.engine.layout import COMMAND_ROW, EVENT_ROW, LADDER, LEVEL, ORDER, STATE, Order, row_type
from rtlab.engine.snapshot import ROWS
from rtlab.model import COMMAND, EVENT


@pytest.mark.parametrize(("signed", "model"), [(COMMAND_ROW, COMMAND), (EVENT_ROW, EVENT)])
def test_signed_rows_have_the_fields_of_the_model_at_the_same_places(
    signed: np.dtype[np.void], model: np.dtype[np.void]
) -> None:
    assert signed.names == model.names
    assert signed.itemsize == model.itemsize
    for name in signed.names or ():
        ours, theirs = (row.fields[name] for row in (signed, model) if row.fields is not None)
        assert ours[1] == theirs[1], name
        assert ours[0].itemsize == theirs[0].itemsize, name
        assert ours[0].kind == "i", name


@pytest.mark.parametrize("row", [COMMAND_ROW, EVENT_ROW, STATE, ORDER, LEVEL, LADDER])
def test_every_field_is_aligned_so_that_no_machine_reads_it_in_two_parts(row: np.dtype[np.void]) -> None:
    assert row.isalignedstruct
    assert row.itemsize % 8 == 0
    for kind, offset, *_ in (row.fields or {}).values():
        assert offset % kind.itemsize == 0


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_rows_of_a_snapshot_have_no_hidden_padding_whose_bytes_are_anything(row: np.dtype[np.void]) -> None:
    fields = row.fields or {"": (row, 0)}
    assert row.itemsize == sum(kind.itemsize for kind, *_ in fields.values())


def test_state_is_whole_words_so_that_python_may_write_it_as_words() -> None:
    fields = STATE.fields or {}
    for name in ("commands_at", "commands", "events_at", "events", "start", "at", "written"):
        kind, offset, *_ = fields[name]
        assert kind == np.int64
        assert offset % 8 == 0


def test_row_type_follows_the_annotations() -> None:
    assert row_type(Order).names == tuple(Order.__annotations__)
    assert row_type(Order)["next"] == np.int32
