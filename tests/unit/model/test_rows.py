import numpy as np
import pytest

from rtlab.model import COMMAND, EVENT, CommandKind, EventKind, Flag, OrderType, Reason, Side, TimeInForce

COMMAND_FIELDS = [
    "ts",
    "kind",
    "instrument",
    "order_id",
    "owner",
    "side",
    "order_type",
    "tif",
    "flags",
    "price",
    "qty",
    "stop_price",
    "display_qty",
    "expire_ts",
    "min_qty",
    "link_id",
    "trail",
    "phase",
]
EVENT_FIELDS = [
    "seq",
    "command",
    "ts",
    "kind",
    "reason",
    "instrument",
    "side",
    "order_id",
    "maker_id",
    "price",
    "qty",
    "remaining",
]


@pytest.mark.parametrize(
    ("rows", "fields", "size"), [(COMMAND, COMMAND_FIELDS, 104), (EVENT, [*EVENT_FIELDS, "reserved"], 72)]
)
def test_rows_hold_every_contracted_field_and_no_hidden_padding(rows, fields, size):
    assert set(fields) == set(rows.names)
    assert rows.itemsize == size == sum(rows[name].itemsize for name in rows.names)


@pytest.mark.parametrize("rows", [COMMAND, EVENT])
def test_every_field_is_aligned_and_little_endian(rows):
    for name in rows.names:
        kind, offset = rows.fields[name][:2]
        assert offset % kind.itemsize == 0
        assert kind.newbyteorder("<") == kind


@pytest.mark.parametrize(
    ("codes", "field"),
    [(CommandKind, "kind"), (Side, "side"), (OrderType, "order_type"), (TimeInForce, "tif"), (Flag, "flags")],
)
def test_every_command_code_fits_its_field(codes, field):
    row = np.zeros(1, COMMAND)
    for code in codes:
        row[field] = code
        assert codes(int(row[field][0])) is code


@pytest.mark.parametrize(("codes", "field"), [(EventKind, "kind"), (Reason, "reason"), (Side, "side")])
def test_every_event_code_fits_its_field(codes, field):
    row = np.zeros(1, EVENT)
    for code in codes:
        row[field] = code
        assert codes(int(row[field][0])) is code


def test_a_row_is_the_same_bytes_on_every_machine():
    row = np.zeros(1, COMMAND)
    row["ts"], row["order_id"], row["kind"] = 1, 2, CommandKind.NEW
    assert row.tobytes()[:16] == bytes([1] + [0] * 7 + [2] + [0] * 7)
    assert row.tobytes()[96] == 1
