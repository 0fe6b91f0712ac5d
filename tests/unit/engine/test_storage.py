"""Growth: how much, how often, and that it costs no more than it must."""

import resource

import numpy as np
import pytest
from support.play import command, commands
from support.random_rows import random_rows

from rtlab.engine import EVENT
from rtlab.engine.layout import LADDER, LADDERS
from rtlab.engine.limits import MAX_PRICE, SPAN
from rtlab.engine.storage import (
    LARGEST_WINDOW,
    MOST_SLOTS,
    SMALLEST_WINDOW,
    Storage,
    account_at,
    leaves_at,
    twice,
)
from rtlab.errors import LocalError
from rtlab.model import Rules


def execute(storage: Storage, *texts: str) -> np.ndarray:
    storage.lend(commands(*texts), np.empty(1, EVENT))
    written = storage.run(len(storage.commands))
    return storage.events[:written]


def test_pool_doubles_and_keeps_every_order() -> None:
    storage = Storage([Rules()] * 1, 1, 0)
    execute(storage, *(f"buy {at} 1@{at % 50}" for at in range(1000)))
    assert storage.state["live"][0] == 1000
    assert len(storage.orders) == 1024
    assert storage.pool_grown == 9
    assert len(storage.ids) >= 2 * storage.state["live"][0]
    told = execute(storage, *(f"cancel {at}" for at in range(1000)))
    assert storage.state["live"][0] == 0
    assert not storage.ids.any()
    assert not storage.past.any()
    assert len(told) == 2000


def test_capacity_is_how_many_orders_fit_without_growth() -> None:
    storage = Storage([Rules()] * 1, 5, 0)
    execute(storage, *(f"buy {at} 1@{at}" for at in range(5)))
    assert storage.pool_grown == 0
    execute(storage, "buy 5 1@5")
    assert storage.pool_grown == 1


def test_pool_that_may_grow_no_more_says_so() -> None:
    assert twice(MOST_SLOTS // 2) == MOST_SLOTS
    with pytest.raises(LocalError, match=f"the engine is full: expected fewer than {MOST_SLOTS} live orders"):
        twice(MOST_SLOTS)


def test_event_buffer_grows_to_what_a_command_needs() -> None:
    storage = Storage([Rules()] * 1, 1, 0)
    execute(storage, *(f"buy {at} 1@100" for at in range(500)))
    told = execute(storage, "sell 900 500@100")
    assert len(told) == 1 + 2 * 500 + 2
    assert told["seq"].tolist() == list(range(1001, 1001 + len(told)))


def test_first_price_centres_the_window_and_does_not_widen_it() -> None:
    storage = Storage([Rules()] * 2, 1, 0)
    execute(storage, "buy 1 1@1000000 on=1")
    assert storage.ladders["size"].tolist() == [SMALLEST_WINDOW] * 2 * LADDERS
    assert storage.ladders["base"].tolist()[: LADDERS + 2] == [0] * LADDERS + [
        1000000 - SMALLEST_WINDOW // 2 + 1,
        0,
    ]
    assert (storage.ladders_moved, storage.ladders_grown) == (1, 0)


def test_drifting_prices_move_the_window_only_now_and_then() -> None:
    storage = Storage([Rules()] * 1, 1, 0)
    moves = []
    for price in range(5000, 25000, 10):
        execute(storage, f"buy {price} 1@{price}", f"cancel {price - 500}")
        moves.append(storage.ladders_moved)
    assert storage.ladders_grown == 0
    assert moves[-1] <= 20000 // (SMALLEST_WINDOW // 4)
    assert storage.ladders["size"][0] == SMALLEST_WINDOW


def test_window_never_begins_below_0() -> None:
    storage = Storage([Rules()] * 1, 1, 0)
    execute(storage, "buy 1 1@100000", "cancel 1", "buy 2 1@3")
    assert storage.ladders["base"][0] == 0


def test_wide_book_widens_the_window_up_to_its_limit() -> None:
    storage = Storage([Rules()] * 1, 1, 0)
    execute(storage, "buy 1 1@7", f"buy 2 1@{6 + SPAN}")
    assert storage.ladders["size"].tolist() == [LARGEST_WINDOW] + [SMALLEST_WINDOW] * (LADDERS - 1)
    assert storage.state["live"][0] == 2
    execute(storage, "cancel 2", f"buy 3 1@{7 + SPAN}", "cancel 1", f"buy 4 1@{6 + 2 * SPAN}")
    assert storage.state["live"][0] == 1
    assert storage.ladders["best"][0] == 6 + 2 * SPAN
    execute(storage, f"sell 5 1@{MAX_PRICE}")
    assert storage.ladders["best"][1] == MAX_PRICE


def test_widest_windows_cost_pages_only_where_prices_are() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    storage = Storage([Rules()] * 8, 1, 0)
    for instrument in range(8):
        execute(storage, f"buy 1 1@0 on={instrument}", f"buy 2 1@{SPAN - 1} on={instrument}")
    assert len(storage.rungs) == 8 * (LARGEST_WINDOW + 7 * SMALLEST_WINDOW)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 256 * 1024, "of 1 GiB of windows only (huge) pages with a price may be touched"


def test_growth_of_one_ladder_keeps_the_levels_of_all() -> None:
    storage = Storage([Rules()] * 3, 1, 0)
    for instrument in range(3):
        execute(
            storage,
            f"buy 1 1@{100 + instrument} on={instrument}",
            f"sell 2 1@{200 + instrument} on={instrument}",
        )
    execute(storage, "sell 3 1@900000 on=1")
    assert storage.ladders_grown == 1
    assert sorted(storage.ladders["size"])[:-1] == [SMALLEST_WINDOW] * (3 * LADDERS - 1)
    told = execute(storage, *(f"sell 9 9@0 ioc on={instrument}" for instrument in range(3)))
    assert told["price"][told["kind"] == 3].tolist() == [100, 101, 102]
    told = execute(storage, "buy 9 9@market on=1")
    assert told["price"][told["kind"] == 3].tolist() == [201, 900000]


def test_an_empty_window_moves_to_its_next_price_whatever_others_hold() -> None:
    storage = Storage([Rules()] * 3, 1, 0)
    execute(storage, *(f"buy {n} 1@{100 + n} on={n}" for n in range(3)), "cancel 1 on=1")
    moved = storage.ladders_moved
    execute(storage, "buy 9 1@50000 on=1")
    assert (storage.ladders_moved, storage.ladders_grown) == (moved + 1, 0)
    told = execute(storage, *(f"sell 8 9@0 ioc on={n}" for n in range(3)))
    assert told["price"][told["kind"] == 3].tolist() == [100, 50000, 102]


def test_a_refused_price_neither_moves_nor_grows_anything() -> None:
    storage = Storage([Rules()] * 1, 1, 0)
    execute(
        storage,
        "buy 1 1@100",
        f"buy 2 1@{MAX_PRICE}",
        "buy 1 1@9999",
        "sell 3 1@9999 ioc",
        f"replace 1 1@{1 << 40}",
    )
    assert (storage.ladders_moved, storage.ladders_grown, storage.pool_grown) == (0, 0, 0)


def test_unaligned_commands_are_copied() -> None:
    storage = Storage([Rules()] * 1, 1, 0)
    row = command("buy 1 1@100")
    shifted = np.frombuffer(b"x" + row.tobytes(), row.dtype, offset=1)
    storage.lend(shifted, np.empty(8, EVENT))
    assert storage.commands.ctypes.data % 8 == 0
    assert storage.run(len(storage.commands)) == 2


def test_live_levels_are_those_with_orders() -> None:
    storage = Storage([Rules()] * 2, 1, 0)
    execute(storage, "buy 1 1@10", "buy 2 1@11", "buy 3 1@12 on=1", "cancel 1")
    assert storage.levels["price"][storage.live_levels()].tolist() == [11, 12]
    assert storage.levels["price"][storage.live_levels(LADDERS)].tolist() == [12]


@pytest.mark.parametrize(
    ("size", "nodes"), [(64, 1), (65, 65), (4096, 65), (4097, 4161), (1 << 18, 4161), (1 << 25, 17043521)]
)
def test_leaves_begin_after_all_nodes_above_them(size: int, nodes: int) -> None:
    assert leaves_at(size) == nodes


def test_bits_and_rungs_are_the_same_after_growth_as_if_made_wide_at_once() -> None:
    storage = Storage([Rules()] * 3, 2, 0)
    storage.lend(random_rows(np.random.default_rng(5), 4000, scatter=0.1), np.empty(8, EVENT))
    storage.run(len(storage.commands))
    assert storage.ladders_grown > 0
    rungs, bits = storage.rungs.copy(), storage.bits.copy()
    assert storage.ladders.dtype == LADDER
    storage._make_windows(storage.ladders.copy())
    assert (storage.rungs == rungs).all()
    assert (storage.bits == bits).all()


def test_accounts_double_and_every_owner_is_found_again() -> None:
    storage = Storage([Rules()] * 2, 1, 0)
    owners = [*range(1, 60), -1, (1 << 63) - 1, -(1 << 63)]
    execute(storage, *(f"deposit 0 by={owner} price={at} qty=1 on=1" for at, owner in enumerate(owners)))
    assert len(storage.accounts) >= 2 * len(owners)
    assert storage.state["opened"][0] == len(owners)
    for at, owner in enumerate(owners):
        place = account_at(storage.accounts["owner"], owner)
        assert place > 0, "the first place is nobody's"
        assert storage.accounts["owner"][place] == owner
        assert storage.accounts["money"][place] == at
        assert storage.positions["lots"].reshape(-1, 2)[place].tolist() == [0, 1]


def test_levels_and_extras_grow_apart_from_the_pool() -> None:
    storage = Storage([Rules()], 4, 0)
    execute(storage, *(f"buy {at} 2@{at} show=1" for at in range(1, 40)))
    assert len(storage.levels) > 39
    assert len(storage.extras) == len(storage.heap) > 39
    before = storage.memory_bytes
    execute(storage, *(f"cancel {at}" for at in range(1, 40)))
    assert storage.memory_bytes < before
    assert storage.state["live"][0] == 0
