"""A live venue as a source: its instruments, and their books and trades as they come, as far as they can be trusted."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from rtlab.errors import InstrumentError, ProtocolError, RtlabError, UnreachableError
from rtlab.model import Instrument, MarketMessage
from rtlab.sources.venues.connection import OPEN_TIMEOUT_S, Raw, Reach, Take, VenueConnection
from rtlab.sources.venues.directory import VENUES, Question, Venue, moved, wanted
from rtlab.sources.venues.kept import Listing
from rtlab.sources.venues.listings import unknown
from rtlab.sources.venues.pacing import Pace
from rtlab.sources.venues.rest import Answer, Rest
from rtlab.sources.venues.trust import Sight, TrustState

ANSWER_S = 15.0
_UNKNOWN = (400, 404)  # what a venue answers about an instrument that it does not list


class LiveStatistics(NamedTuple):
    """How a live source is doing: books that are live of how many, and all that went wrong, since it began."""

    books: int
    live: int
    gaps: int
    mismatches: int
    unreadable: int
    resyncs: int
    staled: int
    connections: int
    lost: int
    hung_up: int
    received: int
    malformed: int
    unknown: int
    refused: int
    stale_snapshots: int
    trades: int
    trades_lost: int
    trades_again: int
    asked: int
    limited: int
    requests_dropped: int


class Live(Protocol):
    """What every live source is, whoever reads the venue.

    The messages that `run` gives are checked: take each snapshot as the whole book, each update as changes of it. An
    empty snapshot says that the book is stale.
    """

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What is followed."""
        ...

    async def run(self, take: Take) -> None:
        """Follow the venue until cancelled, and give `take` what it says."""
        ...

    def keep_raw(self, keep: Raw) -> None:
        """Tell `keep` all that the venue sends, as it comes; LocalError where that is not known."""
        ...

    @property
    def trades_lost(self) -> int:
        """How many trades are known to have been lost."""
        ...

    def sights(self) -> list[Sight]:
        """Give what is known of each book now."""
        ...

    def statistics(self) -> LiveStatistics:
        """Count since the beginning."""
        ...


class LiveSource:
    """A venue of VENUES, by our own reading of its protocol."""

    def __init__(self, venue: Venue, found: Sequence[Listing], base: str = "") -> None:
        self.venue = venue
        self.instruments = [one.instrument for one in found]
        self._rest = Rest()
        connecting = Pace(venue.connect_every_s)
        reach = Reach(self._rest, moved(venue.rest, base), connecting, lambda: Pace(venue.send_every_s))
        self._connections = [
            VenueConnection(moved(lane.url, base), lane.machine, reach, self._take)
            for lane in venue.lanes(found)
        ]
        self._taker: Take = _nobody

    @classmethod
    async def open(cls, text: str, base: str = "") -> Self:
        """Ask a venue for the instruments that `text` names (`kraken:BTC/USD,ETH/USD`).

        `base` is a server that serves the venue's paths in its place. ConfigError for a text that is none or an
        unknown venue, InstrumentError for an instrument that it does not list, ProtocolError and UnreachableError
        when the venue does not answer as its documents say, or not at all.
        """
        name, names = wanted(text)
        venue = VENUES[name]
        found: list[Listing] = []
        rest = Rest()
        for question in venue.questions(names):
            found += await _listed(venue, question._replace(url=moved(question.url, base)), rest)
        return cls(venue, found, base)

    async def run(self, take: Take) -> None:
        """Follow the venue until cancelled, and give `take` what can be trusted of it."""
        self._taker = take
        async with asyncio.TaskGroup() as tasks:
            for connection in self._connections:
                tasks.create_task(connection.run(), name=f"rtlab venue {self.venue.name}")

    def keep_raw(self, keep: Raw) -> None:
        """Tell `keep` all that the venue sends, as it comes: of its sockets, and answers by HTTP."""
        for connection in self._connections:
            connection.on_raw = keep

    @property
    def trades_lost(self) -> int:
        """How many trades are known to have been lost."""
        return sum(kept.trades_lost for one in self._connections for kept in one.machine.kept.values())

    def sights(self) -> list[Sight]:
        """Give what is known of each book now."""
        return [sight for one in self._connections for sight in one.machine.sights()]

    def statistics(self) -> LiveStatistics:
        """Count since the beginning."""
        sights = self.sights()
        machines = [one.machine.statistics() for one in self._connections]
        links = [one.statistics() for one in self._connections]
        return LiveStatistics(
            books=len(sights),
            live=sum(sight.state == TrustState.LIVE for sight in sights),
            gaps=sum(sight.gaps for sight in sights),
            mismatches=sum(sight.mismatches for sight in sights),
            unreadable=sum(sight.unreadable for sight in sights),
            resyncs=sum(sight.resyncs for sight in sights),
            staled=sum(sight.staled for sight in sights),
            connections=sum(link.opened for link in links),
            lost=sum(link.lost for link in links),
            hung_up=sum(link.hung_up for link in links),
            received=sum(one.received for one in machines),
            malformed=sum(one.malformed for one in machines),
            unknown=sum(one.unknown for one in machines),
            refused=sum(one.refused for one in machines),
            stale_snapshots=sum(one.stale_snapshots for one in machines),
            trades=sum(one.trades for one in machines),
            trades_lost=sum(one.trades_lost for one in machines),
            trades_again=sum(one.trades_again for one in machines),
            asked=self._rest.asked,
            limited=self._rest.limited,
            requests_dropped=sum(one.requests_dropped for one in machines),
        )

    def _take(self, messages: list[MarketMessage]) -> None:
        self._taker(messages)


def _nobody(messages: object) -> None:
    """Take what comes before somebody follows."""


async def _listed(venue: Venue, question: Question, rest: Rest) -> list[Listing]:
    if question.text:
        return await _listed_by_socket(venue, question)
    answer = await rest.get(question.url)
    if answer.status in _UNKNOWN:
        raise _unlisted(venue, question, answer)
    if answer.status != 200:
        raise UnreachableError(
            f"{venue.title}: {answer.reason}", expected=f"its instruments at {question.url}"
        )
    return question.read(answer.body, question.names) or []


def _unlisted(venue: Venue, question: Question, answer: Answer) -> RtlabError:
    error = unknown(", ".join(question.names), venue.title, example=venue.example)
    told = answer.body[:120].decode(errors="replace")
    return InstrumentError(
        f"{error.what} ({told})" if told else error.what, expected=error.expected, got=error.got
    )


async def _listed_by_socket(venue: Venue, question: Question) -> list[Listing]:
    try:
        async with (
            asyncio.timeout(ANSWER_S),
            connect(question.url, open_timeout=OPEN_TIMEOUT_S, close_timeout=1, max_size=1 << 25) as socket,
        ):
            await socket.send(question.text)
            async for payload in socket:
                found = question.read(
                    payload.encode() if isinstance(payload, str) else payload, question.names
                )
                if found is not None:
                    return found
    except (OSError, TimeoutError, WebSocketException) as problem:
        raise UnreachableError(
            f"{venue.title} does not answer: {problem or 'in time'}",
            expected=f"its instruments at {question.url}",
        ) from None
    raise ProtocolError(f"{venue.title} ended the connection before it told its instruments")
