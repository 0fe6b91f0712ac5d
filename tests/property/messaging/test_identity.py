"""Whatever is changed in a binding, it is refused; whatever statement is written is read back."""

from hypothesis import given
from hypothesis import strategies as st
from support.messaging import bindings

from rtlab.errors import IdentityError
from rtlab.messaging.identity import Statement, decoded, read, verify

ABOUT = bindings()
GENUINE = [one["binding"].encode() for one in ABOUT["cases"] if one["genuine"]]


def accepts(payload: bytes) -> bool:
    try:
        verify(
            decoded(payload),
            device=bytes.fromhex(ABOUT["device"]),
            directory=ABOUT["directory"],
            now=ABOUT["now"],
        )
    except IdentityError:
        return False
    return True


@given(st.sampled_from(GENUINE), st.data())
def test_no_changed_byte_of_a_binding_is_accepted(payload, data):
    at = data.draw(st.integers(0, len(payload) - 1))
    byte = data.draw(st.integers(1, 255))
    assert accepts(payload)
    assert not accepts(payload[:at] + bytes([payload[at] ^ byte]) + payload[at + 1 :])


@given(st.binary(max_size=300))
def test_no_other_bytes_are_taken_for_a_binding(payload):
    assert not accepts(payload)


@given(
    st.from_regex(r"\A[a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}\Z"),
    st.binary(min_size=32, max_size=32),
    st.from_regex(r"\A[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?(:[1-9][0-9]{0,4})?\Z"),
    st.integers(0, 2**33 - 1),
    st.integers(0, 2**33 - 1),
)
def test_what_is_written_is_read(account, device, directory, issued, expires):
    statement = Statement(
        account=account,
        device=device,
        directory=directory,
        issued=issued,
        expires=expires,
        nonce=device[::-1],
    )
    assert read(statement.text()) == statement
