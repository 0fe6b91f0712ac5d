"""What can go wrong with a venue, by name: each is done to a loopback venue and its sessions."""

from collections.abc import Callable
from typing import NamedTuple

from support.venues.venue import LoopbackVenue


class Fault(NamedTuple):
    """`prepare` is done some seconds before `strike`; `mend` when it has lasted `lasts_s`."""

    strike: Callable[[LoopbackVenue], None]
    prepare: Callable[[LoopbackVenue], None] = lambda venue: None
    mend: Callable[[LoopbackVenue], None] = lambda venue: None
    lasts_s: float = 0.0


def _each(**values: object) -> Callable[[LoopbackVenue], None]:
    def strike(venue: LoopbackVenue) -> None:
        for session in venue.sessions:
            for name, value in values.items():
                setattr(session, name, value)

    return strike


def _wrong(venue: LoopbackVenue) -> None:
    venue.wrong = 1


def _stale(venue: LoopbackVenue) -> None:
    venue.old_snapshots = 2
    _each(lose=1)(venue)


def _limited(status: int) -> Callable[[LoopbackVenue], None]:
    def strike(venue: LoopbackVenue) -> None:
        venue.limit, venue.limit_status = 2, status
        _close(1006, "")(venue)

    return strike


def _close(code: int, reason: str) -> Callable[[LoopbackVenue], None]:
    return _each(close=(code, reason))


def _unknown(venue: LoopbackVenue) -> None:
    for session in venue.sessions:
        session.send('{"channel":"news","type":"update","data":[],"stream":"x@news"}')
        session.send("[1,2]")


FAULTS = {
    "gap": Fault(_each(lose=1)),
    "wrong content": Fault(_wrong),
    "stale snapshot": Fault(_stale, prepare=lambda venue: venue.remember()),
    "disconnect": Fault(_close(1006, "")),
    "silence": Fault(_each(is_mute=True), mend=_each(is_mute=False), lasts_s=2.5),
    "limited (429)": Fault(_limited(429)),
    "banned (418)": Fault(_limited(418)),
    "closed (1008)": Fault(_close(1008, "Too many requests")),
    "malformed": Fault(_each(spoil=2)),
    "unknown": Fault(_unknown),
}
