import msgspec
import pytest

from rtlab.messaging.relay import messages
from rtlab.messaging.relay.messages import CODES, Acknowledge, Done, Mail, Ready, Send, decode, encode


def test_a_request_reads_as_it_is_written():
    for request in (
        Send(n=1, to=["aa"], envelope=b"\xff", group="00", epoch=3, members=["aa", "bb"]),
        Send(n=2, to=["aa"], envelope=b""),
        Acknowledge(n=3, upto=7),
    ):
        assert decode(encode(request)) == request


def test_fields_that_say_nothing_are_left_out_of_answers():
    assert msgspec.json.decode(encode(Done(1))) == {"op": "done", "n": 1}
    assert msgspec.json.decode(encode(Mail(5, b"x"))) == {"op": "mail", "cursor": 5, "envelope": "eA=="}
    assert set(msgspec.json.decode(encode(Ready(1, "a", 0, 0, {})))) == {
        "op",
        "n",
        "account",
        "cursor",
        "packages",
        "limits",
    }


@pytest.mark.parametrize(
    "payload", [b'{"op":"send","n":1,"to":["aa"],"envelope":"*"}', b'{"n":1}', b'{"op":"mail"}']
)
def test_other_messages_are_no_requests(payload):
    with pytest.raises(msgspec.MsgspecError):
        decode(payload)


def test_every_message_says_what_it_is_for_and_every_code_has_a_sentence():
    kinds = [
        one for one in vars(messages).values() if isinstance(one, type) and issubclass(one, msgspec.Struct)
    ]
    assert all(one.__doc__ for one in kinds if not one.__name__.startswith("_"))
    assert all(len(why) > 10 for why in CODES.values())
