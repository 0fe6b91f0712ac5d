import contextlib
import random
import time

import pytest
from support.tokens import token, tokens
from websockets.datastructures import Headers
from websockets.http11 import Request

from rtlab.errors import ProtocolError
from rtlab.feed.admission import Admission, Refusal, Visit
from rtlab.feed.policy import Policy
from rtlab.protocol import OPEN

SECOND = 1_000_000_000
HERE = "192.0.2.1"


def nothing(code: int, reason: str) -> None:
    """The end of a socket that nobody looks at."""


def upgrade(bearer: str | None = None, origin: str | None = None, path: str = "/") -> Request:
    headers = Headers(Upgrade="websocket")
    if bearer is not None:
        headers["Authorization"] = bearer
    if origin is not None:
        headers["Origin"] = origin
    return Request(path, headers)


def page(path: str, bearer: str | None = None) -> Request:
    return Request(path, Headers({} if bearer is None else {"Authorization": bearer}))


def door(judge=None, **policy: object) -> Admission:
    return Admission(Policy(**policy), judge)


def come(admission: Admission, address: str = HERE, now: int = 0) -> Visit:
    visit = admission.arrived(address, now, nothing)
    assert isinstance(visit, Visit), visit
    return visit


def test_it_is_guarded_where_tokens_are_asked_for_or_anyone_is_meant():
    assert [one.guarded for one in (door(), door(tokens()), door(anyone=True))] == [False, True, True]


def test_without_tokens_anybody_is_let_in_for_everything():
    admission = door()
    visit = come(admission)
    assert admission.asked(visit, upgrade(), 0) is None
    assert visit.grant is OPEN
    assert admission.statistics()[:2] == (1, 0)
    admission.left(visit, 0)
    admission.left(visit, 0)
    assert admission.statistics()[:2] == (0, 0)


def test_an_address_has_so_many_places_and_gets_them_back():
    admission = door(connections_per_address=2)
    first, second = come(admission), come(admission)
    refusal = admission.arrived(HERE, 0, nothing)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.retry_after_s) == (429, 5.0)
    assert refusal.line == "your address has 2 connections and may have no more; retry in 5 s"
    come(admission, "192.0.2.2")
    admission.left(first, 0)
    come(admission)
    assert isinstance(admission.arrived("::ffff:" + HERE, 0, nothing), Refusal)
    assert admission.statistics().crowded == 2
    assert second.address == HERE


def test_a_gateway_has_so_many_places_in_all():
    admission = door(connections=3)
    for last in range(3):
        come(admission, f"192.0.2.{last}")
    refusal = admission.arrived(HERE, 0, nothing)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 503


def test_a_crowd_is_let_in_at_its_pace_and_the_rest_is_told_different_times():
    admission = door(accept_per_s=100, accept_burst=10)
    answers = [admission.arrived(HERE, 0, nothing) for _ in range(60)]
    assert sum(isinstance(one, Visit) for one in answers) == 10
    hints = [one.retry_after_s for one in answers if isinstance(one, Refusal)]
    assert {one.status for one in answers if isinstance(one, Refusal)} == {503}
    assert hints == sorted(hints)
    assert hints[0] == pytest.approx(0.01)
    assert hints[-1] == pytest.approx(0.5)
    assert admission.statistics().paced == 50


def test_a_crowd_that_comes_when_it_was_told_is_let_in():
    admission = door(accept_per_s=100, accept_burst=10)
    rnd, times, tries = random.Random(1), dict.fromkeys(range(500), 0), 0
    while times:
        reader = min(times, key=times.get)
        now = times.pop(reader)
        tries += 1
        answer = admission.arrived(HERE, now, nothing)
        if isinstance(answer, Refusal):
            times[reader] = now + round(answer.retry_after_s * SECOND) + rnd.randrange(SECOND // 100)
    assert tries < 1200
    assert now < 8 * SECOND  # 500 at 100 a second


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_of_elsewhere_is_refused_and_named(origin):
    admission = door()
    refusal = admission.asked(come(admission), upgrade(origin=origin), 0)
    assert refusal is not None
    assert refusal.status == 403
    assert ascii(origin) in refusal.line
    assert admission.statistics().foreign_origins == 1
    assert admission.asked(come(admission), upgrade(origin="http://localhost:8888"), 0) is None


def test_a_header_that_comes_twice_is_refused():
    admission = door(tokens())
    request = upgrade("Bearer a")
    request.headers["Authorization"] = "Bearer b"
    refusal = admission.asked(come(admission), request, 0)
    assert refusal is not None
    assert refusal.status == 400


def test_a_bearer_token_gives_its_grant():
    admission = door(tokens())
    visit = come(admission)
    assert admission.asked(visit, upgrade(f"bearer {token(channels=['book'])}"), 0) is None
    assert visit.grant is not None
    assert visit.grant.allows("book", "A")
    assert not visit.grant.allows("trades", "A")
    assert admission.statistics()[:3] == (1, 0, 1)


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (lambda: "Bearer nonsense", 401),
        (lambda: "Bearer", 401),
        (lambda: "Basic YTpi", 401),
        (lambda: f"Bearer {token(sub='x', exp=1)}", 401),
        (lambda: f"Bearer {token(channels=[])}", 403),
    ],
    ids=["nonsense", "nothing", "basic", "ended", "nowhere"],
)
def test_a_bad_authorization_is_refused_and_never_shown(made, status):
    admission, bearer = door(tokens()), made()
    refusal = admission.asked(come(admission), upgrade(bearer), 0)
    assert refusal is not None
    assert refusal.status == status
    assert bearer.partition(" ")[2][:12] not in refusal.line or bearer == "Bearer"
    assert admission.statistics().unauthorised == 1


def test_who_brings_no_token_has_to_authenticate_in_time():
    admission = door(tokens(), handshake_s=5)
    on_time, too_late, silent = (come(admission, now=1) for _ in range(3))
    for visit in (on_time, too_late):
        assert admission.asked(visit, upgrade(), 2) is None
        assert visit.grant is None
    assert admission.authenticate(on_time, token(), 3).who == "ann"
    assert admission.due(5 * SECOND) == []
    endings = admission.due(5 * SECOND + 1)
    assert [(e.visit, e.code) for e in endings] == [(too_late, 4001), (silent, 4001)]
    assert "authenticate itself within 5 s" in endings[0].reason
    assert "ask for anything" in endings[1].reason
    assert admission.due(6 * SECOND) == []
    assert (admission.statistics().overdue, admission.statistics().waiting) == (2, 0)


def test_one_token_has_so_many_places_whoever_uses_it():
    admission = door(tokens(), connections_per_token=2)
    replayed, other = token(jti="t1"), token(jti="t2")
    visits = [come(admission, f"192.0.2.{i}") for i in range(4)]
    for visit in visits[:2]:
        admission.authenticate(visit, replayed, 0)
    with pytest.raises(ProtocolError, match="may have no more; retry in 5 s") as refused:
        admission.authenticate(visits[2], replayed, 0)
    assert refused.value.code == 4009
    refusal = admission.asked(visits[2], upgrade(f"Bearer {replayed}"), 0)
    assert refusal is not None
    assert (refusal.status, refusal.retry_after_s) == (429, 5.0)
    admission.authenticate(visits[2], other, 0)
    admission.authenticate(visits[0], replayed, 0)  # its own place
    admission.left(visits[1], 0)
    admission.authenticate(visits[3], replayed, 0)
    assert (admission.statistics().crowded_token, admission.statistics().tokens) == (2, 2)


def test_a_newer_token_of_the_same_subject_takes_the_place_of_the_older():
    admission = door(tokens(leeway_s=0), connections_per_token=1)
    visit, now = come(admission), 0
    admission.authenticate(visit, token(jti="old", exp=time.time() + 10), now)
    admission.authenticate(visit, token(jti="new", exp=time.time() + 100), now)
    assert admission.due(20 * SECOND) == []
    admission.authenticate(come(admission), token(jti="old"), now)
    with pytest.raises(ProtocolError, match="somebody else") as refused:
        admission.authenticate(visit, token(sub="eve"), now)
    assert refused.value.code == 4001
    assert [e.visit for e in admission.due(120 * SECOND)] == [visit]


def test_a_token_that_ends_ends_its_visits_and_no_other():
    admission = door(tokens(leeway_s=2))
    short, long = come(admission), come(admission)
    admission.authenticate(short, token(jti="s", exp=time.time() + 10), 0)
    admission.authenticate(long, token(jti="l", exp=time.time() + 60), 0)
    assert admission.due(11 * SECOND) == []
    (ending,) = admission.due(13 * SECOND)
    assert (ending.visit, ending.code, ending.reason) == (short, 4001, "the client's token has ended")
    assert admission.due(14 * SECOND) == []
    assert admission.statistics().ended == 1


def test_a_revoked_token_or_subject_ends_its_visits_and_no_other(tmp_path):
    judge = tokens()
    admission = door(judge)
    visits = {name: come(admission) for name in ("t1", "t2", "t3")}
    for name, visit in visits.items():
        admission.authenticate(visit, token(jti=name, sub="bob" if name == "t3" else "ann"), 0)
    assert admission.due(SECOND) == []
    assert admission.revoke("t1") == 1
    assert [(e.visit, e.reason) for e in admission.due(SECOND + 1)] == [
        (visits["t1"], "the client's token was revoked")
    ]
    assert admission.revoke("bob") == 1
    assert [e.visit for e in admission.due(SECOND + 2)] == [visits["t3"]]
    assert admission.revoke("nobody") == 0
    assert admission.statistics().revoked == 2


def test_a_list_of_revoked_tokens_that_changes_is_noticed_within_a_second(tmp_path):
    from rtlab.feed.tokens import Revoked

    path = tmp_path / "revoked"
    path.write_text("")
    admission = door(tokens(revoked=Revoked(path)))
    visit = come(admission)
    admission.authenticate(visit, token(jti="t1"), 0)
    assert admission.due(SECOND) == []
    path.write_text("t1\n")
    assert [e.visit for e in admission.due(2 * SECOND)] == [visit]


def test_while_it_drains_nobody_else_comes_in_and_pages_are_answered():
    admission = door()
    early, later = come(admission), come(admission)
    admission.draining_until = 2 * SECOND
    assert isinstance(admission.arrived(HERE, 0, nothing), Refusal)
    refusal = admission.asked(early, upgrade(), 0)
    assert refusal is not None
    assert (refusal.status, refusal.retry_after_s) == (503, 2.5)
    assert admission.asked(later, page("/ready"), 0) is None


def test_pages_that_tell_something_need_a_token_where_readers_do():
    open_door, closed = door(), door(tokens())
    assert open_door.asked(come(open_door), page("/metrics"), 0) is None
    assert closed.asked(come(closed), page("/ready?x=1"), 0) is None
    refusal = closed.asked(come(closed), page("/metrics"), 0)
    assert refusal is not None
    assert refusal.status == 401
    assert closed.asked(come(closed), page("/metrics", f"Bearer {token()}"), 0) is None


def test_a_token_where_none_is_asked_for_is_a_local_matter():
    admission = door()
    with pytest.raises(ProtocolError, match="none is asked for"):
        admission.authenticate(come(admission), token(), 0)
    assert admission.revoke("t1") == 0


def test_whatever_comes_and_goes_in_the_end_nothing_is_held():
    rnd, judge = random.Random(5), tokens()
    admission = door(judge, connections_per_address=4, connections_per_token=3, connections=12, handshake_s=1)
    texts = [token(jti=f"t{i}", exp=time.time() + i) for i in range(1, 8)] + ["nonsense"]
    here: list[Visit] = []
    now = 0
    for _ in range(3000):
        now += rnd.randrange(SECOND // 50)
        action = rnd.randrange(4)
        if action == 0:
            visit = admission.arrived(f"192.0.2.{rnd.randrange(4)}", now, nothing)
            here += [visit] if isinstance(visit, Visit) else []
        elif action == 1 and here:
            admission.asked(rnd.choice(here), upgrade(rnd.choice([None, f"Bearer {rnd.choice(texts)}"])), now)
        elif action == 2 and here:
            visit = rnd.choice(here)
            with contextlib.suppress(ProtocolError):
                admission.authenticate(visit, rnd.choice(texts), now)
        elif here:
            admission.left(here.pop(rnd.randrange(len(here))), now)
        for ending in admission.due(now):
            assert ending.visit in here
            here.remove(ending.visit)
            admission.left(ending.visit, now)
        counts = admission.statistics()
        assert counts.visits == len(here) <= 12
        assert counts.tokens == len({visit.token for visit in here} - {None})
    for visit in here:
        admission.left(visit, now)
    assert admission.statistics()[:3] == (0, 0, 0)
    assert [len(held) for held in (admission._addresses, admission._waiting, admission._known)] == [0, 0, 0]
