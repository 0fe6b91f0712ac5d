import pytest

from rtlab.errors import IdentityError, MessagingError
from rtlab.messaging.identity import LONGEST_S, Statement, check_time, read
from rtlab.messaging.identity.statement import SKEW_S

GOOD = {
    "account": "eip155:1:0x2c7536E3605D9C16a7a3D7b1898e529396a65c23",
    "device": bytes(32),
    "directory": "relay.example:8765",
    "issued": 1_790_000_000,
    "expires": 1_790_086_400,
    "nonce": bytes(range(32)),
}


def test_a_statement_reads_as_it_is_written():
    statement = Statement(**GOOD)
    assert read(statement.text()) == statement
    assert statement.text().endswith("expires: 2026-09-22T14:13:20Z\nnonce: " + bytes(range(32)).hex())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("issued: 2026-09-21T14", "issued: 2026-9-21T14"),
        ("expires: 2026-09-22T14:13:20Z", "expires: 2026-09-22T14:13:20+00:00"),
        ("nonce: 00", "nonce: 0"),
        ("device: 00", "device: 0O"),
        ("nonce", "admin: yes\nnonce"),
        ("account: eip155", "account:  eip155"),
        ("version 1", "version 2"),
        ("directory: relay.example:8765", "directory: relay.example:08765"),
        ("directory: relay.example:8765", "directory: RELAY.example"),
        ("directory: relay.example:8765", "directory: relay.example\r"),
        ("0x2c75", "0x2c75\u0435"),
    ],
)
def test_a_text_that_was_changed_is_no_statement(old, new):
    text = Statement(**GOOD).text()
    assert old in text
    with pytest.raises(IdentityError):
        read(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "field",
    [
        {"account": "alice"},
        {"account": "eip155:1:0x\nadmin"},
        {"directory": "-relay"},
        {"device": bytes(31)},
        {"nonce": bytes(33)},
        {"expires": -1},
    ],
)
def test_a_statement_of_another_form_cannot_be_made(field):
    with pytest.raises(MessagingError):
        Statement(**GOOD | field)


@pytest.mark.parametrize(
    ("change", "now", "why"),
    [
        ({}, GOOD["issued"] - SKEW_S - 1, "future"),
        ({}, GOOD["expires"], "expired"),
        ({"expires": GOOD["issued"] + LONGEST_S + 1}, GOOD["issued"], "too long"),
        ({"expires": GOOD["issued"]}, GOOD["issued"], "before it is issued"),
    ],
)
def test_a_statement_holds_only_in_its_time(change, now, why):
    with pytest.raises(IdentityError, match=why):
        check_time(Statement(**GOOD | change), now)


def test_a_statement_holds_from_when_it_is_issued_to_just_before_its_end():
    for now in (GOOD["issued"] - SKEW_S, GOOD["issued"], GOOD["expires"] - 1):
        check_time(Statement(**GOOD), now)
