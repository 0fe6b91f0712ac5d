import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.errors import SourceError
from rtlab.pipelines.state import pack, unpack


class Sum(msgspec.Struct, array_like=True):
    total: int
    name: str | None = None


class Other(msgspec.Struct, array_like=True):
    text: str


@settings(deadline=None)
@given(st.integers(-(2**63), 2**64 - 1), st.none() | st.text())
def test_what_was_packed_comes_back(total, name):
    assert unpack("sum", pack("sum", Sum(total, name)), Sum) == Sum(total, name)


def test_equal_states_are_equal_bytes():
    assert pack("sum", Sum(1)) == pack("sum", Sum(1))
    assert pack("sum", Sum(1)) != pack("sum", Sum(2))


def test_another_kind_is_refused_and_named():
    with pytest.raises(SourceError, match=r"expected vwap 1, got sum 1"):
        unpack("vwap", pack("sum", Sum(1)), Sum)


def test_another_form_is_refused():
    with pytest.raises(SourceError, match="not readable"):
        unpack("sum", pack("sum", Sum(1)), Other)


def test_a_later_version_is_refused_and_named(monkeypatch):
    monkeypatch.setattr("rtlab.pipelines.state.VERSION", 2)
    later = pack("sum", Sum(1))
    monkeypatch.undo()
    with pytest.raises(SourceError, match=r"expected sum 1, got sum 2"):
        unpack("sum", later, Sum)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_random_bytes_are_refused(state):
    with pytest.raises(SourceError):
        unpack("sum", state, Sum)


@settings(deadline=None)
@given(st.data())
def test_any_changed_bit_and_any_missing_byte_is_found(data):
    good = pack("sum", Sum(123456, "name"))
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    damaged = bytearray(good)
    damaged[bit // 8] ^= 1 << bit % 8
    for bad in (bytes(damaged), good[: data.draw(st.integers(0, len(good) - 1))], good + b"\0"):
        with pytest.raises(SourceError, match="damaged"):
            unpack("sum", bad, Sum)
