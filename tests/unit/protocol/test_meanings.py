import pytest
from msgspec.structs import fields

from rtlab.protocol import Code
from rtlab.protocol.meanings import CODES, MEANINGS
from rtlab.protocol.wire import CLIENT_MESSAGES, PARTS, SERVER_MESSAGES

FORMS = {form.__name__: form for form in (*CLIENT_MESSAGES, *SERVER_MESSAGES, *PARTS)}


def test_the_words_are_about_exactly_the_messages_there_are():
    assert set(MEANINGS) == set(FORMS)


@pytest.mark.parametrize("name", FORMS)
def test_every_field_is_explained_in_the_order_of_the_wire(name):
    assert list(MEANINGS[name]) == [field.name for field in fields(FORMS[name])]
    assert all(MEANINGS[name].values())


def test_every_code_is_explained_and_no_other():
    assert list(CODES) == list(Code)
    assert all(says and does for says, does in CODES.values())
