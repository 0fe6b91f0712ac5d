"""The accounts of readers that are carried together: what their credits ask and decide, for all of them at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtlab.protocol.credit import Credit, Points
from rtlab.protocol.pulse import Pulse

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

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
        self._questions: list[Question | None] = []  # that the credit was not told of
        self._pulse = pulse
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

    def sendable(self, slots: Ints, rows: int, now: int) -> Flags:
        """Tell which of `slots` may be sent news with `rows` of a log now."""
        room = self._window[slots] - self.unanswered[slots]
        # a few rows go wherever there is room
        least = 0 if rows <= FEWEST_ROWS else BYTES_PER_ROW * rows - 1
        sendable: Flags = (room > least) & self.prompt(slots, now)
        return sendable

    def prompt(self, slots: Ints, now: int) -> Flags:
        """Tell which of `slots` owe no answer that is late."""
        prompt: Flags = self._answer_by[slots] >= now
        return prompt

    def due(self, slots: Ints, now: int) -> Ints:
        """Give those of `slots` that are to be asked now: whose window is nearly used up, and others in their turn."""
        slots = slots[(self.unanswered[slots] >= self._ask_from[slots]) | (self._ask_at[slots] <= now)]
        if not len(slots):
            return slots
        must = 4 * self.unanswered[slots] >= 3 * self._window[slots]
        wanted = slots[~must]
        if len(wanted):
            granted = self._pulse.take(len(wanted), now)
            if granted < len(wanted):
                wanted = wanted[np.argsort(self._ask_at[wanted], kind="stable")[:granted]]
        return np.concatenate((slots[must], wanted))

    def asked(self, slots: Ints, question: Question) -> None:
        """Note that `slots` were asked."""
        self._at_ask[slots] = self.unanswered[slots]
        self._answer_by[slots] = question.at + self._patience[slots]
        self._ask_from[slots] = self._ask_at[slots] = _NEVER
        for slot in slots.tolist():
            self._questions[slot] = question
