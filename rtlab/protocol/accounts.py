"""The accounts of readers that are carried together: what their credits ask and decide, for all of them at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtlab.protocol.credit import Credit, Points
from rtlab.protocol.pulse import Pulse

Ints = npt.NDArray[np.int64]

FEWEST_ROWS = 16
BYTES_PER_ROW = 32
"""Of a log: a message that is larger than the window would make a slow reader far too late."""

_NEVER = 1 << 62  # a time


class Question(NamedTuple):
    """A ping: its number, when it went (ns), and the points that an answer must reach."""

    nonce: int
    at: int
    target: Points


class Accounts:
    """A row of numbers for each slot; `now` is monotonic ns.

    Theory of operation. A steady credit changes by four events only: bytes are sent, it is asked, it answers, it is
    late. The first two happen to many at once and are done here, on columns; `give` tells the credit of them before
    it is used for anything else, and `take` reads it again afterwards.
    """

    def __init__(self, pulse: Pulse) -> None:
        from rtlab.protocol import looks  # numba takes a second to load, and clients have no accounts

        self._looks = looks
        self._questions: list[Question | None] = []  # that the credit was not told of
        self._pulse = pulse
        self.of = np.zeros(0, np.int64)  # the number of its cohort, -1 for nobody
        self.unanswered, self._window = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._at_ask, self._patience = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._answer_by = np.zeros(0, np.int64)
        self._ask_from, self._ask_at = (
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
        )  # bytes; ns; _NEVER: is asked

    def grow(self, more: int) -> None:
        """Add slots."""
        self._questions += [None] * more
        self.of = np.append(self.of, np.full(more, -1))
        for name in ("unanswered", "_window", "_at_ask", "_patience", "_answer_by", "_ask_from", "_ask_at"):
            setattr(self, name, np.append(getattr(self, name), np.zeros(more, np.int64)))

    def take(self, slot: int, credit: Credit) -> None:
        """Carry the account of a credit that is steady."""
        self.unanswered[slot], self._window[slot] = credit.unanswered, credit.window
        self._patience[slot] = credit.patience()
        by = credit.answer_by()
        is_asked = by is not None
        self._answer_by[slot] = _NEVER if by is None else by
        self._ask_from[slot] = _NEVER if is_asked else (credit.window + 1) // 2
        self._ask_at[slot] = _NEVER if is_asked else credit.pinged + self._pulse.heartbeat

    def give(self, slot: int, credit: Credit) -> None:
        """Tell the credit of a slot all that happened to it here."""
        credit.unanswered = int(self.unanswered[slot])
        question = self._questions[slot]
        if question is not None:
            self._questions[slot] = None
            credit.was_asked(question.nonce, question.target, int(self._at_ask[slot]), question.at)

    def sendable(self, slots: Ints, cohort: int, rows: int | None, now: int) -> tuple[Ints, Ints]:
        """Part those of `slots` that are of `cohort`: who may be sent news with `rows` of a log now, and who may not.

        `rows` None: nothing is to be sent, and all may who owe no answer that is late.
        """
        # a few rows go wherever there is room
        least = -1 if rows is None else 0 if rows <= FEWEST_ROWS else BYTES_PER_ROW * rows - 1
        may, may_not = np.empty(len(slots), np.int64), np.empty(len(slots), np.int64)
        columns = self.unanswered, self._window, self._answer_by
        can, cannot = self._looks.sendable(slots, self.of, cohort, *columns, least, now, may, may_not)
        return may[:can], may_not[:cannot]

    def sent(self, slots: Ints, cohort: int, size: int) -> None:
        """Note that `slots` went over to `cohort` with `size` bytes."""
        self._looks.send(slots, self.of, cohort, self.unanswered, size)

    def due(self, slots: Ints, now: int) -> Ints:
        """Give those of `slots` that are to be asked now: whose window is nearly used up, and others in their turn."""
        pressed, others = np.empty(len(slots), np.int64), np.empty(len(slots), np.int64)
        columns = self.unanswered, self._window, self._ask_from, self._ask_at
        must, may = self._looks.due(slots, *columns, now, pressed, others)
        if not may:
            return pressed[:must]
        wanted = others[:may]
        granted = self._pulse.take(may, now)
        if granted < may:
            wanted = wanted[np.argsort(self._ask_at[wanted], kind="stable")[:granted]]
        return np.concatenate((pressed[:must], wanted)) if must else wanted

    def asked(self, slots: Ints, question: Question) -> None:
        """Note that `slots` were asked."""
        self._at_ask[slots] = self.unanswered[slots]
        self._answer_by[slots] = question.at + self._patience[slots]
        self._ask_from[slots] = self._ask_at[slots] = _NEVER
        for slot in slots.tolist():
            self._questions[slot] = question
