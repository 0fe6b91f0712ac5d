"""Who may come in, how many and how fast. It decides; the gateway opens and closes the sockets.

Theory of operation. A socket is a Visit from the moment it is accepted until it is gone:

    arrived        counted by address, paced           Refusal (503, 429) or a Visit, which then has
    asked          Origin, Authorization               Refusal (403, 401, 429, 503) or, within `handshake_s`,
    authenticate   the token of a first message        ProtocolError (4001, 4009) or a Grant
    due            what is overdue, ended or revoked   Endings, to be closed with their code
    left           the counts are given back

What cannot happen: a visit that is counted twice or for ever; one that is open longer than `handshake_s` without
a grant; one that goes on for more than a second after its token ended or was revoked.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from websockets.datastructures import MultipleValuesError
from websockets.http11 import Request

from rtlab.errors import ProtocolError
from rtlab.feed.policy import Policy, network_of
from rtlab.feed.tokens import Claims, Tokens
from rtlab.protocol import OPEN, Code, Grant, Pace
from rtlab.protocol.limits import SECOND, ns

PUBLIC_PAGES = frozenset({"/", "/ready", "/wire", "/wire.json"})
"""What is told to those without a token, where one is asked for."""

LOOK_EVERY = SECOND
RESTART_S = 0.5
RETRY_S = 5.0  # a hint to those for whom there is no place

End = Callable[[int, str], None]
"""Ends a socket with a close code and a reason."""


class Refusal(NamedTuple):
    """An HTTP answer instead of a handshake. `line` is whole; the hint is in it and in the header."""

    status: int
    line: str
    retry_after_s: float | None = None


class Visit:
    """One socket. `grant` is None until it is known what its reader may have.

    `end` closes it, `wake` has its session asked for what is due, when that came up otherwise than by a message.
    """

    __slots__ = ("address", "asked", "end", "expires", "grant", "here", "token", "wake")

    def __init__(self, address: str, end: End) -> None:
        self.address, self.end = address, end
        self.wake: Callable[[], None] = _nothing
        self.grant: Grant | None = None
        self.token: str | None = None
        self.expires: int | None = None
        self.asked, self.here = False, True


class Ending(NamedTuple):
    """A visit that is to be ended now."""

    visit: Visit
    code: int
    reason: str


class AdmissionStatistics(NamedTuple):
    """Sockets now, those that wait for a handshake or a token, and why others were turned away, ever."""

    visits: int
    waiting: int
    tokens: int  # different ones, now
    paced: int
    crowded: int  # no place in all, or of one address
    crowded_token: int  # no place of one token
    foreign_origins: int
    unauthorised: int
    overdue: int
    ended: int  # closed because their token ended
    revoked: int


class Admission:
    """Decides about every socket of one gateway; `now` is monotonic ns. Without `tokens` anybody is let in.

    `wall` gives Unix seconds, in which tokens say when they end.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        tokens: Tokens | None = None,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.policy, self.tokens = policy or Policy(), tokens
        self.draining_until: int | None = None  # nobody is let in any more; the server ends then
        self._wall = wall
        rate = self.policy.accept_per_s
        self._pace = Pace(rate, self.policy.accept_burst) if rate else None
        self._later = Pace(rate, 1) if rate else None  # the places that were promised to those refused
        self._visits = 0
        self._addresses: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._waiting: dict[Visit, int] = {}  # in the order of their deadlines
        self._known: set[Visit] = set()  # with a token
        self._counts: Counter[str] = Counter()
        self._looked = 0

    @property
    def guarded(self) -> bool:
        """Tell whether the gateway may be reached from other machines: by those with a token, or by anyone."""
        return self.tokens is not None or self.policy.anyone

    def arrived(self, address: str, now: int, end: End) -> Visit | Refusal:
        """Take in a socket that was accepted from an IP address, or say why not."""
        policy, network = self.policy, network_of(address)
        if self.draining_until is not None:
            return _ending(self.draining_until - now)
        if policy.connections and self._visits >= policy.connections:
            self._counts["crowded"] += 1
            return _refuse(503, f"the server has {policy.connections} readers and takes no more", RETRY_S)
        most = policy.connections_per_address
        if most and self._addresses[network] >= most:
            self._counts["crowded"] += 1
            return _refuse(429, f"your address has {most} connections and may have no more", RETRY_S)
        wait = self._wait(now)
        if wait:
            self._counts["paced"] += 1
            return _refuse(503, "more readers come at once than are let in", wait / SECOND)
        visit = Visit(network, end)
        self._visits += 1
        self._addresses[network] += 1
        self._waiting[visit] = now + ns(policy.handshake_s)
        return visit

    def asked(self, visit: Visit, request: Request, now: int) -> Refusal | None:
        """Judge the request of a visit: None lets it go on, to its page or to the handshake."""
        try:
            origin, bearer = request.headers.get("Origin"), request.headers.get("Authorization")
            is_page = request.headers.get("Upgrade") is None
        except MultipleValuesError:
            return _refuse(400, "the client's request has a header twice that may come once")
        visit.asked = True
        if is_page:
            return self._asked_page(visit, request.path.partition("?")[0], bearer, now)
        if self.draining_until is not None:
            return _ending(self.draining_until - now)
        if origin is not None and not self.policy.welcomes(origin):
            self._counts["foreign_origins"] += 1
            return _refuse(
                403, f"pages of {ascii(origin)[:80]} may not read this feed: see its allowed origins"
            )
        if self.tokens is None:
            visit.grant = OPEN
            self._waiting.pop(visit, None)
        elif bearer is not None:
            return self._asked_bearer(visit, bearer, now)
        return None

    def authenticate(self, visit: Visit, token: str, now: int) -> Grant:
        """Give what the token of a message grants its visit, for the first time or anew.

        ProtocolError: 4001 when the token is not to be trusted or of somebody else, 4009 when it has no place.
        """
        if self.tokens is None:
            raise ProtocolError("the client sent a token where none is asked for")
        try:
            claims = self.tokens.verify(token)
            if visit.grant is not None and visit.grant.who != claims.grant.who:
                raise ProtocolError("the client's new token is of somebody else", code=Code.UNAUTHORISED)
        except ProtocolError:
            self._counts["unauthorised"] += 1
            raise
        self._hold(visit, claims, now)
        return claims.grant

    def left(self, visit: Visit, now: int) -> None:
        """Give back what a visit held; idempotent."""
        if not visit.here:
            return
        visit.here = False
        self._visits -= 1
        _less(self._addresses, visit.address)
        self._waiting.pop(visit, None)
        self._release(visit)

    def due(self, now: int) -> list[Ending]:
        """Give the visits that are to be ended at `now`: overdue ones at once, those of tokens within a second."""
        endings = []
        while self._waiting:
            visit, deadline = next(iter(self._waiting.items()))
            if deadline > now:
                break
            del self._waiting[visit]
            self._counts["overdue"] += 1
            what = "authenticate itself" if visit.asked else "ask for anything"
            why = f"the client did not {what} within {self.policy.handshake_s:g} s"
            endings.append(Ending(visit, int(Code.UNAUTHORISED), why))
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            endings += self._ended(now)
        return endings

    def revoke(self, name: str) -> int:
        """Revoke a token by its id, or all of a subject; give how many visits end with the next `due`."""
        if self.tokens is None:
            return 0
        self.tokens.revoked.add(name)
        self._looked = -LOOK_EVERY
        return sum(self._is_revoked(visit) for visit in self._known)

    def statistics(self) -> AdmissionStatistics:
        """Count who is here and who was turned away."""
        now = (self._visits, len(self._waiting), len(self._tokens))
        return AdmissionStatistics(*now, *(self._counts[name] for name in AdmissionStatistics._fields[3:]))

    def _wait(self, now: int) -> int:
        # who is refused is promised a place of its own behind all others, so that a crowd does not come back as one
        if self._pace is None or self._later is None:
            return 0
        early = self._pace.take(now)
        return early + self._later.book(now) if early else 0

    def _asked_page(self, visit: Visit, path: str, bearer: str | None, now: int) -> Refusal | None:
        if self.tokens is None or path in PUBLIC_PAGES:
            return None
        if bearer is None:
            self._counts["unauthorised"] += 1
            return _refuse(401, f"{path[:40]!r} needs a token: Authorization: Bearer TOKEN")
        return self._asked_bearer(visit, bearer, now)

    def _asked_bearer(self, visit: Visit, bearer: str, now: int) -> Refusal | None:
        scheme, _, token = bearer.partition(" ")
        if scheme.lower() != "bearer":
            self._counts["unauthorised"] += 1
            return _refuse(
                401, "the client authenticates itself in another way: expected Authorization: Bearer TOKEN"
            )
        try:
            grant = self.authenticate(visit, token.strip(), now)
        except ProtocolError as refused:
            if refused.code == Code.LIMIT:
                return _refuse(429, refused.what, RETRY_S)
            return Refusal(401, str(refused))
        if not grant.patterns:
            self._counts["unauthorised"] += 1
            return _refuse(403, "the client's token allows nothing")
        return None

    def _hold(self, visit: Visit, claims: Claims, now: int) -> None:
        most = self.policy.connections_per_token
        if visit.token != claims.id:
            if most and self._tokens[claims.id] >= most:
                self._counts["crowded_token"] += 1
                raise ProtocolError(
                    f"the client's token has {most} connections and may have no more; retry in {RETRY_S:g} s",
                    code=Code.LIMIT,
                )
            self._release(visit)
            self._tokens[claims.id] += 1
            visit.token = claims.id
        visit.grant = claims.grant
        visit.expires = now + ns(claims.expires - self._wall())
        self._known.add(visit)
        self._waiting.pop(visit, None)

    def _release(self, visit: Visit) -> None:
        if visit.token is not None:
            _less(self._tokens, visit.token)
            visit.token = None
            self._known.discard(visit)

    def _ended(self, now: int) -> list[Ending]:
        if self.tokens is not None:
            self.tokens.revoked.reload()
        endings = []
        for visit in self._known:
            for why, is_over in (
                ("revoked", self._is_revoked(visit)),
                ("ended", now >= (visit.expires or 0)),
            ):
                if is_over:
                    self._counts[why] += 1
                    reason = "the client's token " + ("was revoked" if why == "revoked" else "has ended")
                    endings.append(Ending(visit, int(Code.UNAUTHORISED), reason))
                    break
        self._known.difference_update(ending.visit for ending in endings)
        return endings

    def _is_revoked(self, visit: Visit) -> bool:
        if self.tokens is None or visit.token is None or visit.grant is None:
            return False
        return visit.token in self.tokens.revoked or visit.grant.who in self.tokens.revoked


def _nothing() -> None:
    return None


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]


def _ending(left: int) -> Refusal:
    return _refuse(503, "the server is restarting", max(0, left) / SECOND + RESTART_S)


def _refuse(status: int, why: str, retry_after_s: float | None = None) -> Refusal:
    return Refusal(
        status, why if retry_after_s is None else f"{why}; retry in {retry_after_s:.3g} s", retry_after_s
    )
