"""Readers that stand at the same point, carried as one: a batch is built and framed once for all of them.

Theory of operation. A cohort is a set of cursors that any number of members share, instead of each its own. A
reader joins when it is steady (live, nothing to make up for) and stands exactly where the cohort stands, in the
same channels and encoding; its own cursors rest until it leaves, and then take the cohort's point. What differs
between members is a row of numbers each: bytes unanswered, the window, until when an answer is due.

A cohort never moves under its members. `begin` gives for each cohort with news its successor, which stands one
batch further; a member goes over when it was sent that batch, and a ping that tells more than the last message
did makes a successor too. So wherever a member leaves, in the middle of a step or not, the cohort that it is in
says where it stands. `end` lets cohorts that came to the same point become one.

It is only a faster way to the same bytes: whoever may not be sent to now (window, late answer, more rows of a log
than its window takes), or says anything but the expected answer, leaves, and is served on its own.
"""

from operator import add, sub
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from rtlab.protocol.accounts import Accounts, Question
from rtlab.protocol.cache import PayloadCache
from rtlab.protocol.codec import Codec
from rtlab.protocol.credit import Credit, Points
from rtlab.protocol.cursor import Cursor
from rtlab.protocol.pulse import Pulse

Ints = npt.NDArray[np.int64]
Owner = TypeVar("Owner")
Heard = TypeVar("Heard", contravariant=True)

_MANY = 1 << 62


class Tally(NamedTuple):
    """What was sent and what was not: see Cursor."""

    messages: int = 0
    bytes: int = 0
    merged: int = 0
    dropped: int = 0
    heads: int = 0
    unsaid: int = 0


def total(*tallies: Tally) -> Tally:
    """Add tallies up."""
    return Tally(*map(sum, zip(*tallies, strict=True)))


class Member(Protocol):
    """One reader as a cohort sees it."""

    codec: Codec
    cursors: dict[int, Cursor]

    @property
    def credit(self) -> Credit:
        """Give its credit, brought up to date by `inform`."""

    @property
    def tally(self) -> Tally:
        """Give what happened since the connection began."""

    def entered(self, cohorts: "Cohorts[Any]", slot: int) -> None:
        """Be carried from now on, as number `slot`."""

    def left(self, tally: Tally) -> None:
        """Be on its own again; `tally` is what happened meanwhile."""


class Carrier(Protocol[Heard]):
    """Hears who is carried."""

    def joined(self, owner: Heard, slot: int) -> None:
        """This one is a member from now on."""

    def fell_out(self, owner: Heard, slot: int) -> None:
        """This one is on its own again."""


class Cohort:
    """One point and all that is needed to go on from there; `totals` are a Tally since its first ancestor began."""

    __slots__ = ("_furthest", "_sent", "codec", "counted", "cursors", "number", "pinged", "totals")

    def __init__(
        self,
        number: int,
        codec: Codec,
        cursors: dict[int, Cursor],
        totals: Ints,
        counted: Ints | None = None,
    ) -> None:
        self.number, self.codec, self.totals = number, codec, totals
        self.pinged: Asking | None
        self.stand(cursors, counted)

    def stand(self, cursors: dict[int, Cursor], counted: Ints | None = None) -> None:
        """Take other cursors; `counted` is what they count, where that is known."""
        self.cursors = cursors
        self.counted = _counted(cursors) if counted is None else counted
        self.pinged = None
        self._sent: dict[int, tuple[int, int]] | None = None
        self._furthest: dict[int, tuple[int, int]] | None = None

    def sent(self) -> Points:
        """Give the point up to which each key was sent."""
        if self._sent is None:
            self._sent = {key: (c.epoch, c.seq) for key, c in self.cursors.items() if c.held}
        return self._sent

    def furthest(self) -> Points:
        """Give the highest point that each key was ever sent."""
        if self._furthest is None:
            self._furthest = {key: c.furthest for key, c in self.cursors.items()}
        return self._furthest


class Asking(NamedTuple):
    """A question that all get who are asked now at one point; the cohort of who was asked."""

    question: Question
    payload: bytes
    after: Cohort


class Step(NamedTuple):
    """From one cohort to its successor: the payload for its members (None: no news), who they were, rows of a log."""

    before: Cohort
    after: Cohort
    payload: bytes | None
    slots: Ints
    rows: int


class Cohorts(Generic[Owner]):
    """All cohorts of one gateway; `now` is monotonic ns. `carrier` hears of every owner that joins or leaves.

    A member is named by its slot: `owners[slot]`, and in the arrays of all members.
    """

    def __init__(self, cache: PayloadCache, pulse: Pulse, carrier: Carrier[Owner]) -> None:
        self.owners: list[Owner | None] = []
        self.fallen = 0
        self._before = Tally()  # of all members, when they joined
        self._cache, self._carrier = cache, carrier
        self._members: list[Member | None] = []
        self._free: list[int] = []
        self._cohorts: dict[int, Cohort] = {}
        self._retired: list[int] = []  # numbers that are given again after the round
        self._numbers: list[int] = []
        self._at: dict[tuple[object, ...], Cohort] = {}
        self._alone: dict[tuple[object, ...], tuple[Member, Owner]] = {}
        self._accounts = Accounts(pulse)
        self._base = np.zeros((0, len(Tally._fields)), np.int64)

    @property
    def _of(self) -> Ints:
        return self._accounts.of

    @property
    def count(self) -> int:
        """Give how many cohorts there are."""
        return len(self._cohorts)

    @property
    def members(self) -> int:
        """Give how many readers are carried."""
        return len(self.owners) - len(self._free)

    # one member

    def join(self, member: Member, owner: Owner, now: int) -> None:
        """Carry a reader if it is steady and another one, or a cohort, stands where it stands.

        The others must have been looked at since the sources last moved: call `forget` when they may move.
        """
        if not member.credit.steady or not member.cursors:
            return
        point = _point(member.codec, member.cursors, now)
        if point is None:
            return
        cohort = self._at.get(point)
        if cohort is None:
            other = self._alone.setdefault(point, (member, owner))
            if other[0] is member:
                return
            del self._alone[point]
            twins = {key: cursor.twin() for key, cursor in member.cursors.items()}
            cohort = self._at[point] = self._new(member.codec, twins, np.zeros(len(Tally._fields), np.int64))
            self._enter(cohort, *other)
        self._enter(cohort, member, owner)

    def forget(self) -> None:
        """Do not wait any longer for somebody to stand beside those who found nobody."""
        self._alone.clear()

    def leave(self, slot: int) -> None:
        """Let a member go on alone, from the point where it stands."""
        member, owner, cohort = self._members[slot], self.owners[slot], self.cohort(slot)
        assert member is not None
        assert owner is not None
        for key, cursor in member.cursors.items():
            cursor.stand_as(cohort.cursors[key])
        self.inform(slot, member.credit)
        tally = self.tally(slot)
        self._of[slot] = -1
        self._members[slot] = self.owners[slot] = None
        self._free.append(slot)
        self.fallen += 1
        member.left(tally)
        self._before = Tally(*map(add, self._before, map(sub, tally, member.tally)))
        self._carrier.fell_out(owner, slot)

    def cohort(self, slot: int) -> Cohort:
        """Give the cohort of a member."""
        return self._cohorts[int(self._of[slot])]

    def tally(self, slot: int) -> Tally:
        """Give what happened to a member since it joined."""
        return Tally(*(self._base[slot] + self.cohort(slot).totals).tolist())

    def carried(self) -> Tally:
        """Give what happened to all members, each since its connection began."""
        here = self._of >= 0
        totals = np.zeros((len(self._cohorts) + len(self._numbers) + len(self._retired), len(Tally._fields)))
        for number, cohort in self._cohorts.items():
            totals[number] = cohort.totals
        sums = self._base[here].sum(axis=0) + totals[self._of[here]].sum(axis=0)
        return total(self._before, Tally(*map(int, sums)))

    def inform(self, slot: int, credit: Credit) -> None:
        """Tell the credit of a member all that happened to it here, before it is read."""
        self._accounts.give(slot, credit)

    def answer(self, slot: int, nonce: int, applied: Points, now: int) -> None:
        """Take in a member's answer; ProtocolError when it claims more than it was sent."""
        member = self._members[slot]
        assert member is not None
        credit = member.credit
        credit.answer(nonce, applied, now)
        if credit.steady:
            self._accounts.take(slot, credit)
        else:
            self.leave(slot)

    # a round

    def begin(self, now: int) -> list[Step]:
        """Look at all sources and build what each cohort is due."""
        steps, of = [], self._of
        self._at.clear()
        self._alone.clear()
        for number, cohort in tuple(self._cohorts.items()):
            slots = np.flatnonzero(of == number)
            is_ahead = any(cursor.is_ahead() for cursor in cohort.cursors.values())
            step = None if is_ahead else self._step(cohort, slots, now)
            if step is None:  # the source went back, or rows are lost to them: each is told on its own
                for slot in slots.tolist():
                    self.leave(slot)
                continue
            steps.append(step)
            point = _point(step.after.codec, step.after.cursors, now)
            if point is not None:
                self._at[point] = step.after
        return steps

    def ready(self, step: Step, slots: Ints, now: int) -> Ints:
        """Give those of `slots` that may be sent the news of `step` now; who may not leaves."""
        rows = None if step.payload is None else step.rows
        slots, others = self._accounts.sendable(slots, step.before.number, rows, now)
        for slot in others.tolist():
            self.leave(slot)
        return slots

    def sent(self, step: Step, slots: Ints) -> None:
        """Note that `slots` were sent the news of `step`."""
        if step.payload is not None:
            self._accounts.sent(slots, step.after.number, len(step.payload))

    def ask(self, step: Step, slots: Ints, now: int) -> tuple[bytes, Ints] | None:
        """Ask those of `slots` that are due to be asked; give the ping and for whom it is."""
        asked = self._accounts.due(slots, now)
        if len(asked):
            asked = asked[self._of[asked] == step.after.number]  # the others have left meanwhile
        if not len(asked):
            return None
        cohort = step.after
        if cohort.pinged is None or cohort.pinged[0].at != now:
            cohort.pinged = self._ping(cohort, now)
        question, payload, after = cohort.pinged
        self._accounts.asked(asked, question)
        self._of[asked] = after.number
        self._base[asked, 1] += len(payload)
        return payload, asked

    def end(self, now: int) -> None:
        """Close a round: cohorts at the same point become one, one alone is none, and empty ones go."""
        if not self._cohorts:
            return
        most = len(self._cohorts) + len(self._numbers) + len(self._retired)
        counts = np.bincount(self._of + 1, minlength=most + 1)[1:]
        self._at.clear()
        for number, cohort in tuple(self._cohorts.items()):
            cohort.pinged = None
            if not counts[number]:
                self._drop(number)
                continue
            point = _point(cohort.codec, cohort.cursors, now)
            same = None if point is None else self._at.setdefault(point, cohort)
            if same is not None and same is not cohort:
                self._merge(cohort, same)
                counts[same.number] += counts[number]
                self._drop(number)
        for number, cohort in tuple(self._cohorts.items()):
            if counts[number] == 1:
                self.leave(int(np.flatnonzero(self._of == number)[0]))
                self._at = {point: one for point, one in self._at.items() if one is not cohort}
                self._drop(number)
        self._numbers += self._retired
        self._retired.clear()

    def _step(self, cohort: Cohort, slots: Ints, now: int) -> Step | None:
        cursors = {key: cursor.twin() for key, cursor in cohort.cursors.items()}
        for cursor in cursors.values():
            cursor.look()
        rows = max(cursor.rows() for cursor in cursors.values())
        every = [built for cursor in cursors.values() if (built := cursor.next(now, None, _MANY)) is not None]
        if any(built.dropped for built in every):
            return None
        parts = [built.payload for built in every]
        counted = _counted(cursors)
        totals = cohort.totals + counted - cohort.counted
        if not parts:
            cohort.stand(cursors, counted)
            cohort.totals = totals
            return Step(cohort, cohort, None, slots, 0)
        payload = self._cache.batch(cohort.codec, parts)
        totals[1] += len(payload)
        return Step(cohort, self._new(cohort.codec, cursors, totals, counted), payload, slots, rows)

    def _ping(self, cohort: Cohort, now: int) -> "Asking":
        cursors = {key: cursor.twin() for key, cursor in cohort.cursors.items()}
        heads = {key: cursor.head() for key, cursor in cursors.items() if cursor.held}
        nonce, payload = self._cache.ping(cohort.codec, heads, now)
        question = Question(nonce, now, cohort.sent())
        if all(sent == exact_to for _, sent, exact_to in heads.values()):
            return Asking(question, payload, cohort)
        return Asking(question, payload, self._new(cohort.codec, cursors, cohort.totals, cohort.counted))

    def _merge(self, cohort: Cohort, into: Cohort) -> None:
        slots = np.flatnonzero(self._of == cohort.number)
        self._base[slots] += cohort.totals - into.totals
        self._of[slots] = into.number

    def _new(
        self, codec: Codec, cursors: dict[int, Cursor], totals: Ints, counted: Ints | None = None
    ) -> Cohort:
        number = self._numbers.pop() if self._numbers else len(self._cohorts) + len(self._retired)
        cohort = self._cohorts[number] = Cohort(number, codec, cursors, totals, counted)
        return cohort

    def _drop(self, number: int) -> None:
        del self._cohorts[number]
        self._retired.append(number)

    def _enter(self, cohort: Cohort, member: Member, owner: Owner) -> None:
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._members[slot], self.owners[slot] = member, owner
        self._of[slot] = cohort.number
        self._base[slot] = -cohort.totals
        self._before = total(self._before, member.tally)
        self._accounts.take(slot, member.credit)
        member.entered(self, slot)
        self._carrier.joined(owner, slot)

    def _grow(self) -> None:
        more = max(64, len(self.owners))
        slots = range(len(self.owners), len(self.owners) + more)
        self._free += reversed(slots)
        self.owners += [None] * more
        self._members += [None] * more
        self._accounts.grow(more)
        self._base = np.append(self._base, np.zeros((more, self._base.shape[1]), np.int64), axis=0)


def _point(codec: Codec, cursors: dict[int, Cursor], now: int) -> tuple[object, ...] | None:
    points = tuple(cursor.point(now) for cursor in cursors.values())
    return None if None in points else (codec.encoding, *points)


def _counted(cursors: dict[int, Cursor]) -> Ints:
    messages = merged = dropped = heads = unsaid = 0
    for cursor in cursors.values():
        messages += cursor.messages
        merged += cursor.merged
        dropped += cursor.dropped
        if not cursor.lane.kind.log:
            heads += cursor.heads
            unsaid += cursor.unsaid
    return np.array((messages, 0, merged, dropped, heads, unsaid), np.int64)
