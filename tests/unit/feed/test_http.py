import json

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from rtlab.errors import LocalError
from rtlab.feed.http import Page, answer, json_page, respond


def broken() -> Page:
    raise LocalError("metrics need another package")


def test_a_page_comes_whole_with_its_type_whatever_the_query():
    routes = {"/health": lambda: json_page({"status": "serving", "readers": 3})}
    for path in ("/health", "/health?verbose=1"):
        response = answer(routes, Request(path, Headers()))
        assert (response.status_code, response.reason_phrase) == (200, "OK")
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers.get_all("Content-Length") == [str(len(response.body))]
        assert json.loads(response.body) == {"status": "serving", "readers": 3}


def test_a_page_has_its_own_status():
    response = answer({"/ready": lambda: json_page({"ready": False}, 503)}, Request("/ready", Headers()))
    assert response.status_code == 503


def test_a_page_that_cannot_be_made_says_why():
    response = answer({"/metrics": broken}, Request("/metrics", Headers()))
    assert (response.status_code, response.body) == (503, b"metrics need another package\n")


def test_a_page_is_only_read():
    response = answer({"/health": lambda: json_page({})}, Request("/health", Headers(), "POST"))
    assert response.status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/feed", "/" + "x" * 5000, "//health", "/health/", "/\x1b[31m"])
def test_an_unknown_path_is_told_what_there_is_in_one_line(path):
    response = answer({"/health": lambda: json_page({})}, Request(path, Headers()))
    assert response.status_code == 404
    assert b"/health" in response.body
    assert response.body.count(b"\n") == 1
    assert len(response.body) < 300
    assert b"\x1b" not in response.body


@pytest.mark.parametrize(("hint", "header"), [(None, None), (0.02, "1"), (1.0, "1"), (1.2, "2")])
def test_an_answer_says_when_to_come_back_in_whole_seconds(hint, header):
    response = respond(503, "full", hint)
    assert response.headers.get("Retry-After") == header
    assert response.body == b"full\n"


def test_who_is_not_known_is_told_how_to_say_who_it_is():
    assert respond(401, "no token").headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in respond(403, "no").headers


def test_a_json_page_shows_what_json_does_not_know_as_text():
    assert "object" in json.loads(json_page({"state": object}).body)["state"]


@pytest.mark.parametrize(
    ("path", "is_told"), [("/messages.html", True), ("/messages.js", True), ("/feed", False)]
)
def test_who_looks_for_the_messages_is_told_how_they_are_served(path, is_told):
    response = answer({"/health": lambda: json_page({})}, Request(path, Headers()))
    assert response.status_code == 404
    assert (b"`rtlab serve --messages`" in response.body) is is_told
