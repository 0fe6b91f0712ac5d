"""Loops over the accounts of many readers: who may be sent news, what that adds to what they owe, who is to be asked.

A package of its own, because a kernel compiles anew when a file of its package changes. `slots` are numbers of
rows; a column has one number a reader.
"""

import numpy as np
import numpy.typing as npt

from rtlab.compiling import announce, kernel

Ints = npt.NDArray[np.int64]


@kernel
def sendable(
    slots: Ints,
    of: Ints,
    cohort: int,
    unanswered: Ints,
    window: Ints,
    answer_by: Ints,
    least: int,
    now: int,
    may: Ints,
    may_not: Ints,
) -> tuple[int, int]:
    """Part those of `slots` that are of `cohort`: who owes no late answer and has more room than `least` bytes.

    `may` and `may_not` take at least as many as `slots` are; gives how many there are of each. A `least` below 0
    asks for no room.
    """
    can = cannot = 0
    for slot in slots:
        if of[slot] == cohort:
            if answer_by[slot] >= now and (least < 0 or window[slot] - unanswered[slot] > least):
                may[can] = slot
                can += 1
            else:
                may_not[cannot] = slot
                cannot += 1
    return can, cannot


@kernel
def send(slots: Ints, of: Ints, cohort: int, unanswered: Ints, size: int) -> None:
    """Move `slots` to `cohort`, owing `size` bytes more."""
    for slot in slots:
        of[slot] = cohort
        unanswered[slot] += size


@kernel
def due(
    slots: Ints,
    unanswered: Ints,
    window: Ints,
    ask_from: Ints,
    ask_at: Ints,
    now: int,
    pressed: Ints,
    others: Ints,
) -> tuple[int, int]:
    """Find those of `slots` that are to be asked; `pressed` are those whose window is three quarters used up.

    `pressed` and `others` take at least as many as `slots` are; gives how many there are of each.
    """
    first = second = 0
    for slot in slots:
        owed = unanswered[slot]
        if owed >= ask_from[slot] or ask_at[slot] <= now:
            if 4 * owed >= 3 * window[slot]:
                pressed[first] = slot
                first += 1
            else:
                others[second] = slot
                second += 1
    return first, second


def warm_up() -> None:
    """Compile them, or load them from disk; says so where it takes a while."""
    none = np.zeros(0, np.int64)
    with announce("the accounts of readers"):
        sendable(none, none, 0, none, none, none, 0, 0, none, none)
        send(none, none, 0, none, 0)
        due(none, none, none, none, none, 0, none, none)
