"""The twin against sums done by hand and rules that need no engine."""

import numpy as np
import pytest
from support.play import commands, play
from support.random_rows import instruments, random_rows

from rtlab.engine import EVENT, EventKind, Reason
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import CancelOrder, CommandRejected


def test_twin_shares_no_code_with_the_kernel() -> None:
    names = set(vars(__import__("rtlab.engine.reference", fromlist=["x"])))
    assert not names & {"Storage", "run", "emit", "take", "Memory"}


def test_book_sums_what_rests() -> None:
    twin = ReferenceEngine(instruments(1))
    play(twin, "buy 1 5@98", "buy 2 7@98", "sell 3 4@99", "sell 4 1@98")
    assert twin.book("I0") == ([(98, 11)], [(99, 4)])


def test_submit_gives_values() -> None:
    (event,) = ReferenceEngine(instruments(1)).submit(CancelOrder(instrument="I0", order_id=3, ts=5))
    assert isinstance(event, CommandRejected)
    assert (event.seq, event.command, event.ts, event.reason) == (1, 0, 5, Reason.UNKNOWN_ORDER)


def test_process_of_nothing_gives_no_rows() -> None:
    assert ReferenceEngine(instruments(1)).process(commands()).dtype == EVENT


@pytest.mark.parametrize("seed", range(5))
def test_what_was_accepted_is_traded_left_or_live(seed: int) -> None:
    twin = ReferenceEngine(instruments(1))
    rows = random_rows(np.random.default_rng(seed), 1500, symbols=1)
    rows = rows[rows["kind"] != 3]
    events = twin.process(rows)
    accepted = events["qty"][events["kind"] == EventKind.ACCEPTED].sum()
    traded = events["qty"][events["kind"] == EventKind.TRADE].sum()
    never = events["remaining"][events["kind"] == EventKind.DONE].sum()
    live = sum(qty for side in twin.book("I0") for _, qty in side)
    assert accepted == 2 * traded + never + live
