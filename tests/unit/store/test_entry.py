import msgspec
import pytest

from rtlab.book import Step
from rtlab.errors import StoreError
from rtlab.store.entry import Entry, StoredState, pack_entry, unpack_entry, unpack_state

STEPS = [Step(1, [0], [100], [5], []), Step(2, [], [], [], [(2, 100, 1, 1)])]


def test_an_entry_of_packed_steps_is_read_as_steps():
    packed = pack_entry(4, 11, 22, [msgspec.msgpack.encode(step) for step in STEPS], 3)
    assert unpack_entry(packed) == Entry(4, 11, 22, STEPS, 3)


def test_a_state_survives_packing():
    state = StoredState(3, 9, 77, b"state")
    assert unpack_state(msgspec.msgpack.encode(state)) == state


@pytest.mark.parametrize("read", [unpack_entry, unpack_state])
def test_foreign_bytes_are_one_clear_error(read):
    for data in (b"", b"\xc1", msgspec.msgpack.encode({"a": 1}), msgspec.msgpack.encode([1, 2])):
        with pytest.raises(StoreError, match="not one of rtlab"):
            read(data)
