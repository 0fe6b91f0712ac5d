from base64 import b64encode

import msgspec
import pytest
from support.messaging import DIRECTORY, Person

from rtlab.errors import ProtocolError
from rtlab.messaging.encryption.envelope import Kind
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.messages import Challenge, Done, Look, Refused, encode
from rtlab.messaging.relay.session import HELLO, RelaySession

NOW = 1_790_000_000
SECOND = 10**9


class Counter:
    """A post that remembers what sessions ask of it."""

    directory = DIRECTORY

    def __init__(self, **limits) -> None:
        self.limits = RelayLimits(**limits)
        self.entered, self.stored, self.asked, self.refusals = [], [], [], 0

    def wall(self) -> float:
        return NOW

    def enter(self, session, hello, statement) -> None:
        self.entered.append(statement.account)
        session.device, session.account = statement.device.hex(), statement.account

    def store(self, session, send, ident, kind) -> None:
        self.stored.append((send.to, ident, kind))

    def ask(self, session, request) -> None:
        self.asked.append(request)

    def refused(self) -> None:
        self.refusals += 1


def told(session: RelaySession) -> list[dict]:
    return [msgspec.json.decode(payload) for payload in session.payloads_to_send(0)]


def say(session: RelaySession, now: int = 0, **fields) -> None:
    session.receive(msgspec.json.encode(fields), now)


def hello(session: RelaySession, person: Person, nonce: bytes | None = None, **more) -> dict:
    signed = HELLO + DIRECTORY.encode() + b"\n" + (nonce or session.nonce)
    fields = {
        "op": "hello",
        "n": 1,
        "binding": b64encode(person.binding.encoded()).decode(),
        "signature": b64encode(person.device.sign(signed)).decode(),
        "after": 0,
    }
    return fields | more


def entered(post: Counter, person: Person) -> RelaySession:
    session = RelaySession(post, 0)
    say(session, **hello(session, person))
    told(session)
    return session


def test_it_begins_with_a_challenge_that_is_never_the_same():
    first, second = (told(RelaySession(Counter(), 0))[0] for _ in range(2))
    assert (first["op"], first["directory"]) == ("challenge", DIRECTORY)
    assert first["nonce"] != second["nonce"]


def test_a_device_that_signs_the_nonce_may_enter():
    post, person = Counter(), Person(now=NOW)
    session = RelaySession(post, 0)
    say(session, **hello(session, person))
    assert post.entered == [person.account]


def test_a_signature_of_another_nonce_or_device_is_refused():
    post, person = Counter(), Person(now=NOW)
    session = RelaySession(post, 0)
    other = Person(now=NOW)
    say(session, **hello(session, person, nonce=bytes(32)))
    say(session, **hello(session, other) | {"binding": b64encode(person.binding.encoded()).decode()})
    say(session, **hello(session, person, binding=b64encode(b"rubbish").decode()))
    say(session, **hello(session, person, signature=""))
    assert [one["code"] for one in told(session)[1:]] == ["identity"] * 4
    assert (post.entered, post.refusals) == ([], 4)


def test_nothing_is_answered_before_the_hello_and_none_is_said_twice():
    post, person = Counter(), Person(now=NOW)
    with pytest.raises(ProtocolError, match="before it has said who"):
        say(RelaySession(post, 0), op="look", n=1, account="a")
    session = entered(post, person)
    with pytest.raises(ProtocolError, match="twice"):
        say(session, **hello(session, person))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"rubbish",
        b"[]",
        b'{"op":"steal","n":1}',
        b'{"op":"look","n":1}',
        b'{"op":"look","n":"1","account":"a"}',
        b'{"op":"look","n":1,"account":"a","more":1}',
        b'{"op":"ack","n":1,"upto":1.5}',
        b"\xff\xff",
    ],
)
def test_what_is_no_request_ends_the_connection(payload):
    session = entered(Counter(), Person(now=NOW))
    with pytest.raises(ProtocolError, match="no request"):
        session.receive(payload, 0)


def test_requests_are_paced_and_refused_aloud():
    post = Counter(per_s=10, burst=5)
    session = entered(post, Person(now=NOW))
    for n in range(6):
        say(session, op="look", n=n, account="a")
    refused = told(session)
    assert len(post.asked) == 4  # the hello was one
    assert [one["code"] for one in refused] == ["rate", "rate"]
    assert refused[0]["retry_after"] == pytest.approx(0.1)
    say(session, SECOND, op="look", n=9, account="a")
    assert post.asked[-1] == Look(n=9, account="a")


def test_too_many_frames_that_are_no_requests_end_it():
    session = RelaySession(Counter(per_s=1, burst=3), 0)
    for _ in range(3):
        session.count(0)
    with pytest.raises(ProtocolError, match="too many frames"):
        session.count(0)


def test_an_envelope_goes_on_with_its_identifier_and_kind():
    post, person = Counter(), Person(now=NOW)
    session = entered(post, person)
    envelope = b64encode(person.seal(ident=b"i" * 16)).decode()
    say(session, op="send", n=2, to=["aa"], envelope=envelope)
    assert post.stored == [(["aa"], b"i" * 16, Kind.MESSAGE)]


def test_an_envelope_of_another_device_goes_nowhere():
    post, person = Counter(), Person(now=NOW)
    session = entered(post, person)
    envelope = b64encode(Person(now=NOW).seal()).decode()
    say(session, op="send", n=2, to=["aa"], envelope=envelope)
    say(session, op="send", n=3, to=[], envelope=b64encode(person.seal()).decode())
    say(session, op="send", n=4, to=["aa"] * 33, envelope=b64encode(person.seal()).decode())
    assert [one["code"] for one in told(session)] == ["identity", "size", "size"]
    assert post.stored == []


def test_nothing_is_sent_while_the_transport_is_full():
    session = entered(Counter(outgoing=2), Person(now=NOW))
    session.pause(0)
    assert not session.has_room
    session.tell(Done(1))
    assert session.payloads_to_send(0) == []
    session.resume(0)
    assert told(session) == [{"op": "done", "n": 1}]
    session.push(b"1")
    assert session.has_room
    session.push(b"2")
    assert not session.has_room


def test_a_token_is_asked_for_where_the_gateway_wants_one():
    person, seen = Person(now=NOW), []
    session = RelaySession(Counter(), 0, lambda token, now: seen.append(token))
    with pytest.raises(ProtocolError, match="no token"):
        say(session, **hello(session, person))
    say(session, **hello(session, person, token="of the feed"))
    assert seen == ["of the feed"]


def test_messages_of_the_relay_are_json_with_an_op():
    assert encode(Challenge("relay", b"\0")) == b'{"op":"challenge","directory":"relay","nonce":"AA=="}'
    assert encode(Refused(1, "full", "a mailbox is full")) == (
        b'{"op":"refused","n":1,"code":"full","why":"a mailbox is full"}'
    )
