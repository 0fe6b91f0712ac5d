"""The plain twin's arithmetic of money, by hand."""

import pytest

from rtlab.engine.plain_accounts import Accounts, dearest, fee, wrap
from rtlab.model import Rules


@pytest.mark.parametrize(
    ("paid", "ppm", "told"), [(1_000_000, 250, 250), (999, 1_000, 0), (-1, 1, -1), (5, -1, -1)]
)
def test_a_fee_is_rounded_down(paid: int, ppm: int, told: int) -> None:
    assert fee(paid, ppm) == told


@pytest.mark.parametrize(("price", "told"), [(0, 0), (100, 101), (10_000, 10_025), (10_001, 10_027)])
def test_the_dearest_lot_is_rounded_up(price: int, told: int) -> None:
    assert dearest(Rules(taker_fee_ppm=2_500, maker_fee_ppm=-9), price) == told


def test_a_rebate_makes_nothing_dearer() -> None:
    assert dearest(Rules(maker_fee_ppm=-500), 100) == 100


def test_numbers_wrap_as_64_bits_do() -> None:
    assert wrap(1 << 63) == -(1 << 63)
    assert wrap(-(1 << 63) - 1) == (1 << 63) - 1
    assert wrap(-5) == -5


def test_what_one_pays_the_others_get() -> None:
    accounts = Accounts([Rules()], lambda owner: [])
    accounts.by_owner[7] = accounts.of(0).__class__()
    accounts.pay(0, (7, 2_000), (9, -1_000), 100, 50)
    assert (accounts.of(7).money, accounts.of(9).money, accounts.house) == (-5010, 5005, 5)
    assert (accounts.of(7).lots, accounts.nobody.lots) == ({0: 50}, {0: -50})
