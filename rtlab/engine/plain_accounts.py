"""The plain twin's accounts: what is open and reserved is counted anew, from the orders, each time it is asked for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rtlab.engine.limits import DEAREST, MAX_AMOUNT, MAX_MONEY
from rtlab.engine.plain_book import RESTING, STOPS, TRAILING, Order
from rtlab.engine.plain_checks import PRICED, Row
from rtlab.model.enums import CommandKind, Flag, OrderType, Reason, Side
from rtlab.model.rules import PPM, Rules

OrdersOf = Callable[[int], Iterable[Order]]


def wrap(number: int) -> int:
    """Give a number as 64 bits hold it."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def fee(paid: int, ppm: int) -> int:
    """Give the fee of what is paid, in millionths, rounded down."""
    return paid * ppm // PPM


def dearest(rules: Rules, price: int) -> int:
    """Give the most that a lot bought at `price` may cost with its fees."""
    return min(price - fee(-price, max(rules.maker_fee_ppm, rules.taker_fee_ppm, 0)), DEAREST)


@dataclass
class Account:
    """One owner; lots and limits by instrument."""

    money: int = 0
    most_orders: int = 0
    checks: bool = False
    killed: bool = False
    lots: dict[int, int] = field(default_factory=dict)
    limits: dict[int, int] = field(default_factory=dict)


class Accounts:
    """All accounts, the one of nobody (0), and the fees of the house."""

    def __init__(self, rules: list[Rules], orders_of: OrdersOf) -> None:
        self.rules, self.orders_of = rules, orders_of
        self.by_owner: dict[int, Account] = {}
        self.nobody = Account()
        self.house = 0

    def of(self, owner: int) -> Account:
        """Give the account on which an owner trades."""
        return self.by_owner.get(owner, self.nobody)

    def change(self, row: Row) -> Reason | None:
        """Open an owner's account if need be and change it; or say why not."""
        account = self.by_owner.get(row.owner, Account())
        at, lots = row.instrument, account.lots.get(row.instrument, 0)
        if row.kind == CommandKind.DEPOSIT:
            sums = account.money + row.price, lots + row.qty
            if max(abs(row.price), abs(row.qty)) > MAX_AMOUNT or max(map(abs, sums)) > MAX_MONEY:
                return Reason.BAD_AMOUNT
            live = list(self.orders_of(row.owner)) if account.checks else []
            asked = sum(order.open for order in live if (order.instrument, order.side) == (at, Side.ASK))
            too_much = row.price < 0 and sums[0] < self.reserved(live)
            if account.checks and (too_much or (row.qty < 0 and sums[1] < asked)):
                return Reason.FUNDS
            account.money, account.lots[at] = sums
        elif row.kind == CommandKind.LIMITS:
            if row.price < 0 or row.qty < 0:
                return Reason.BAD_AMOUNT
            account.limits[at], account.most_orders = row.price, row.qty
            account.checks = bool(row.flags & Flag.CHECK_FUNDS)
        else:
            account.killed = row.kind == CommandKind.KILL
        self.by_owner[row.owner] = account
        return None

    def pay(self, at: int, buyer: tuple[int, int], seller: tuple[int, int], price: int, qty: int) -> None:
        """Move money and lots of a trade; a side is (owner, fee in millionths)."""
        if not self.by_owner:
            return
        paid = wrap(price * qty)
        for (owner, ppm), sign in ((buyer, 1), (seller, -1)):
            account = self.of(owner)
            account.money = wrap(account.money - sign * paid - fee(paid, ppm))
            account.lots[at] = wrap(account.lots.get(at, 0) + sign * qty)
            self.house = wrap(self.house + fee(paid, ppm))

    def refusal(self, row: Row, order: Order | None) -> Reason | None:
        """Say why an owner may not have a new order, or `order` on other terms, if so."""
        owner = row.owner if order is None else order.owner
        account = self.by_owner.get(owner)
        if account is None:
            return None
        if account.killed:
            return Reason.KILLED
        live = list(self.orders_of(owner))
        kind = row.order_type if order is None else order.order_type
        waits = kind in STOPS or kind in TRAILING or (kind in PRICED and row.tif in RESTING)
        if order is None and waits and account.most_orders and len(live) >= account.most_orders:
            return Reason.OPEN_ORDERS
        side, at = (row.side if order is None else order.side), row.instrument
        others = [other for other in live if other is not order]
        same = sum(other.open for other in others if (other.instrument, other.side) == (at, side))
        lots = account.lots.get(at, 0)
        could = wrap(same + lots if side == Side.BID else same - lots)
        if account.limits.get(at) and could > account.limits[at] - row.qty:
            return Reason.POSITION
        if not account.checks:
            return None
        if side == Side.ASK:
            return Reason.FUNDS if row.qty > wrap(-could) else None
        return None if self._affords(row, kind, account, others) else Reason.FUNDS

    def reserved(self, orders: Iterable[Order]) -> int:
        """Give what the bids among these orders could cost at most."""
        bids = (order for order in orders if order.side == Side.BID)
        return wrap(sum(order.open * dearest(self.rules[order.instrument], order.price) for order in bids))

    def _affords(self, row: Row, kind: int, account: Account, others: list[Order]) -> bool:
        free, rules = wrap(account.money - self.reserved(others)), self.rules[row.instrument]
        if kind in (OrderType.STOP, OrderType.TRAILING_STOP):
            return False
        if kind == OrderType.MARKET:
            return bool(row.flags & Flag.BUDGET) and dearest(rules, row.price) <= free
        each = dearest(rules, row.price)
        return each <= 0 or row.qty <= free // each
