import inspect

import pytest

from rtlab import errors
from rtlab.errors import GridError, LocalError, ProtocolError, RefusedError, RemoteError, RtlabError


def _classes():
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]


def test_an_error_says_what_was_expected_and_what_came():
    error = GridError("BTC-USD: price is off the grid", expected="a multiple of 0.10", got="101.25")
    assert str(error) == "BTC-USD: price is off the grid: expected a multiple of 0.10, got 101.25"
    assert (error.expected, error.got) == ("a multiple of 0.10", "101.25")


def test_an_error_without_details_is_its_clause_alone():
    assert str(RtlabError("the port is taken")) == "the port is taken"


def test_got_of_zero_is_told_and_none_is_not():
    assert str(RtlabError("tick size", got=0)) == "tick size: got 0"


def test_a_long_payload_is_shortened_to_one_readable_line():
    text = str(ProtocolError("the peer's payload is no message", got=b"\x00" * 10_000))
    assert len(text) < 200
    assert text.endswith("…")


@pytest.mark.parametrize("cls", _classes(), ids=lambda c: c.__name__)
def test_every_error_is_local_or_remote_and_stands_in_the_tree(cls):
    assert issubclass(cls, RtlabError)
    assert cls in (RtlabError, LocalError, RemoteError) or issubclass(cls, LocalError) != issubclass(
        cls, RemoteError
    )
    assert cls.__name__ in errors.__doc__


def test_protocol_error_carries_its_close_code():
    assert ProtocolError("x").code == 4002
    assert ProtocolError("x", code=4029).code == 4029


def test_refused_error_carries_the_retry_hint():
    error = RefusedError("too many requests", code=4029, retry_after_s=1.5)
    assert (error.code, error.retry_after_s) == (4029, 1.5)
