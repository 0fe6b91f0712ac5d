import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidStatus, NegotiationError
from websockets.http11 import Response

from rtlab.client.outcome import NETWORK, closed, ending, is_final, not_connected
from rtlab.errors import ConfigError, RefusedError, UnreachableError

URL = "ws://127.0.0.1:9"


@pytest.mark.parametrize(
    ("problem", "kind", "says"),
    [
        (ConnectionRefusedError(111, "Connection refused"), UnreachableError, "is the server running"),
        (TimeoutError(), UnreachableError, "in time"),
        (OSError(), UnreachableError, "OSError"),
        (InvalidMessage("did not receive a valid HTTP response"), UnreachableError, "not a feed"),
        (NegotiationError("unsupported subprotocol: x"), UnreachableError, "not a feed"),
    ],
)
def test_who_cannot_be_reached_is_named_in_one_line(problem, kind, says):
    assert isinstance(problem, NETWORK)
    error = not_connected(URL, problem)
    assert type(error) is kind
    assert URL in str(error)
    assert says in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(("status", "final"), [(400, False), (401, True), (403, True), (503, False)])
def test_a_refusal_carries_its_status_and_the_first_line_of_what_the_server_said(status, final):
    response = Response(status, "No", Headers(), b"the client offers no subprotocol\nand more\n")
    error = not_connected(URL, InvalidStatus(response))
    assert isinstance(error, RefusedError)
    assert error.code == status
    assert "the client offers no subprotocol" in str(error)
    assert "and more" not in str(error)
    assert is_final(error) is final


def test_a_refusal_without_a_body_is_a_line_as_well():
    assert "503" in str(not_connected(URL, InvalidStatus(Response(503, "No", Headers(), b""))))


@pytest.mark.parametrize(
    ("code", "final"),
    [(1006, False), (1012, False), (4001, True), (4002, False), (4003, True), (4008, False)],
)
def test_only_who_is_not_allowed_in_does_not_try_again(code, final):
    error = closed(URL, code, "because")
    assert error.code == code
    assert "because" in str(error)
    assert is_final(error) is final


def test_a_wrong_address_is_final_and_a_server_that_is_not_there_is_not():
    assert is_final(ConfigError("wrong"))
    assert not is_final(UnreachableError("not there"))


def refused(headers: dict[str, str], body: bytes) -> RefusedError:
    error = not_connected(URL, InvalidStatus(Response(503, "Busy", Headers(headers), body)))
    assert isinstance(error, RefusedError)
    return error


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "3"}, b"busy", 3.0),
        ({"Retry-After": "3"}, b"busy; retry in 2.35 s\n", 2.35),
        ({}, b"busy; retry in 0.5 s", 0.5),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"", None),
        ({"Retry-After": "-1"}, b"", None),
        ({"Retry-After": "inf"}, b"", None),
        ({}, b"", None),
    ],
)
def test_a_refusal_tells_when_to_come_back_by_its_line_or_its_header(headers, body, seconds):
    assert refused(headers, body).retry_after_s == seconds


def test_a_password_in_an_address_is_not_told():
    url = "ws://me:secret@feed.example/?token=secret"
    for error in (not_connected(url, TimeoutError()), closed(url, 1006, ""), not_connected(url, OSError())):
        assert "secret" not in str(error)
        assert "feed.example" in str(error)


def test_who_is_not_let_in_is_told_where_a_token_is_given():
    refused = not_connected(URL, InvalidStatus(Response(401, "No", Headers(), b"no token\n")))
    assert str(refused).endswith("; the token to show it is the argument token or the variable RTLAB_TOKEN")
    assert "RTLAB_TOKEN" in str(closed(URL, 4001, "who are you?"))
    assert "RTLAB_TOKEN" not in str(closed(URL, 4008, "too slow"))


@pytest.mark.parametrize(
    ("reason", "said"), [("", "broke off unannounced"), ("it said nothing", "it said nothing")]
)
def test_an_end_that_nobody_announced_is_told_in_words_and_not_by_a_number(reason, said):
    problem = closed(URL, 1006, reason)
    assert said in ending(1006, reason)
    assert said in str(problem)
    assert "1006" not in ending(1006, reason) + str(problem)
    assert problem.code == 1006
    assert ending(1012, "restarting") == "1012 restarting"
