import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.random_market import BTC, NOON, RandomMarket

from rtlab.pipelines import Frame
from rtlab.views.volume import Volume

MS = 1_000_000


def columns(*trades: tuple[int, int, int, int]) -> dict[str, list[int]]:
    return {name: [row[i] for row in trades] for i, name in enumerate(("ts", "ticks", "lots", "side"))}


def test_the_session_has_all_trades_also_those_that_are_kept_no_more() -> None:
    volume, market = Volume(keep=10), RandomMarket()
    batches = [market.trades(n) for n in (3, 0, 40, 7)]
    for batch in batches:
        volume.append(batch)
    lots = volume.session.rows(400).lots
    wanted = [
        sum(n for b in batches for n, s in zip(b["lots"], b["side"], strict=True) if s == side)
        for side in (0, 1)
    ]
    assert lots.sum(axis=0).tolist() == wanted
    assert volume.session.trades == 50


def test_a_frame_is_taken_as_it_is() -> None:
    volume = Volume()
    volume.append(Frame("trades", BTC, {n: np.array(c) for n, c in RandomMarket().trades(9).items()}))
    assert volume.session.trades == 9


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(0, 50), st.integers(0, 50))
def test_a_window_has_the_trades_within_it_whatever_their_order(
    times: list[int], start: int, length: int
) -> None:
    volume = Volume()
    rows = [(NOON + ms * MS, 100 + i, 1 + i, i % 2) for i, ms in enumerate(times)]
    volume.append(columns(*rows))
    profile, is_cut = volume.between((NOON / MS + start, NOON / MS + start + length))
    inside = [row for row in rows if start * MS <= row[0] - NOON <= (start + length) * MS]
    assert profile.trades == len(inside)
    assert profile.rows(400).lots.sum() == sum(row[2] for row in inside)
    assert not is_cut


def test_a_window_that_begins_before_what_is_kept_says_so() -> None:
    volume = Volume(keep=3)
    volume.append(columns(*((NOON + i * MS, 100, 1, 0) for i in range(5))))
    kept_from = NOON / MS + 2
    assert volume.between((kept_from - 1, kept_from + 9))[1]
    profile, is_cut = volume.between((kept_from, kept_from + 9))
    assert (profile.trades, is_cut) == (3, False)


def test_what_is_kept_whole_is_never_cut() -> None:
    volume = Volume(keep=3)
    assert volume.between((0, 1))[1] is False
    volume.append(columns(*((NOON + i * MS, 100, 1, 0) for i in range(3))))
    assert volume.between((0, NOON))[1] is False
