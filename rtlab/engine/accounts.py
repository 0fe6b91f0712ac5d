"""Money, lots and limits of owners. Who has no account trades on nobody's; what one pays, another gets.

An account is found by its owner in an open-addressing table, and has one position for each instrument. Money is
ticks x lots. All of it wraps at 64 bits, as the twin does, rather than lose a unit.
"""

from rtlab.compiling import outlined_part, part
from rtlab.engine.codes import (
    ACCOUNT_EVENT,
    BAD_AMOUNT,
    BID,
    BUDGET,
    CHECK_FUNDS,
    DEPOSIT,
    FUNDS,
    KILL,
    KILLED,
    LIMITS,
    MARKET,
    NO_REASON,
    OPEN_ORDERS,
    POSITION,
    REVIVE,
    STOP_MARKET,
    TRAILING_STOP,
)
from rtlab.engine.layout import NEEDS_ACCOUNTS, Account, Command, Market, Memory, Position, State
from rtlab.engine.limits import DEAREST, MAX_AMOUNT, MAX_MONEY
from rtlab.engine.memory import memory_of
from rtlab.engine.output import tell

PPM = 1_000_000
"""Fees are millionths of what is paid."""


@part
def account_at(memory: Memory, owner: int) -> int:
    """Give where an owner's account is or would be; place 0 is nobody's, who owns what has no account."""
    last = memory.state.accounts - 1
    at = ((owner * 0x5851F42D4C957F2D) >> 17) & last
    while at == 0 or (memory.accounts[at].owner != owner and memory.accounts[at].owner != 0):
        at = (at + 1) & last
    return at


@part
def account_of(memory: Memory, owner: int) -> int:
    """Give the place of the account on which an owner trades."""
    if owner == 0:
        return 0
    at = account_at(memory, owner)
    return at if memory.accounts[at].owner == owner else 0


@part
def fee(paid: int, ppm: int) -> int:
    """Give the fee of what is paid, rounded down."""
    return paid // PPM * ppm + paid % PPM * ppm // PPM


@part
def dearest(market: Market, price: int) -> int:
    """Give the most that a lot bought at `price` may cost with its fees."""
    dear = -fee(-price, max(market.maker_fee_ppm, market.taker_fee_ppm, 0))
    return price + min(dear, DEAREST - price)


@outlined_part
def commit(state: State, owner: int, instrument: int, side: int, price: int, qty: int, orders: int) -> None:
    """Count what an owner's live orders could still buy or sell."""
    memory = memory_of(state)
    at = account_of(memory, owner)
    if at == 0:
        return
    account = memory.accounts[at]
    position = memory.positions[at * state.markets + instrument]
    account.orders += orders
    if side == BID:
        position.buys += qty
        account.reserved += qty * dearest(memory.markets[instrument], price)
    else:
        position.sells += qty


@outlined_part
def pay(
    state: State,
    instrument: int,
    buyer: int,
    seller: int,
    bought_ppm: int,
    sold_ppm: int,
    price: int,
    qty: int,
) -> None:
    """Move money and lots of a trade, and the fees of both sides to the house."""
    memory = memory_of(state)
    paid = price * qty
    for owner, ppm, sign in ((buyer, bought_ppm, 1), (seller, sold_ppm, -1)):
        at = account_of(memory, owner)
        charged = fee(paid, ppm)
        memory.accounts[at].money -= sign * paid + charged
        memory.positions[at * state.markets + instrument].lots += sign * qty
        state.house += charged


@outlined_part
def refused_by_account(
    state: State,
    command: Command,
    owner: int,
    side: int,
    order_type: int,
    price: int,
    standing: int,
    at_price: int,
) -> int:
    """Give the reason why an owner may not have an order of these terms, or NO_REASON.

    `standing` is the open quantity of the order that it replaces, at the limit `at_price`; 0 for a new one, then
    `at_price` says whether it could rest.
    """
    memory = memory_of(state)
    at = account_of(memory, owner)
    if at == 0:
        return NO_REASON
    account = memory.accounts[at]
    position = memory.positions[at * state.markets + command.instrument]
    if account.killed != 0:
        return KILLED
    if standing == 0 and at_price != 0 and account.most_orders != 0 and account.orders >= account.most_orders:
        return OPEN_ORDERS
    could = (
        position.lots + position.buys - standing if side == BID else position.sells - standing - position.lots
    )
    if position.limit != 0 and could > position.limit - command.qty:
        return POSITION
    if account.checks == 0:
        return NO_REASON
    if side != BID:
        return FUNDS if command.qty > -could else NO_REASON
    market = memory.markets[command.instrument]
    free = account.money - account.reserved
    if standing != 0:
        free += standing * dearest(market, at_price)
    if order_type in (STOP_MARKET, TRAILING_STOP):
        return FUNDS
    if order_type == MARKET:
        return NO_REASON if command.flags & BUDGET != 0 and dearest(market, command.price) <= free else FUNDS
    each = dearest(market, price)
    return FUNDS if each > 0 and command.qty > free // each else NO_REASON


@outlined_part
def change_account(state: State, command: Command) -> int:
    """Open an owner's account if need be and change it; give the reason why not."""
    memory = memory_of(state)
    at = account_at(memory, command.owner)
    money, lots = command.price, command.qty
    wrong = command.kind == DEPOSIT and not (
        -MAX_AMOUNT <= money <= MAX_AMOUNT and -MAX_AMOUNT <= lots <= MAX_AMOUNT
    )
    if wrong or (command.kind == LIMITS and (money < 0 or lots < 0)):
        return BAD_AMOUNT
    account = memory.accounts[at]
    position = memory.positions[at * state.markets + command.instrument]
    if command.kind == DEPOSIT:
        fits = -MAX_MONEY <= account.money + money <= MAX_MONEY
        if not fits or not -MAX_MONEY <= position.lots + lots <= MAX_MONEY:
            return BAD_AMOUNT
        if account.checks != 0 and not _may_go(account, position, money, lots):
            return FUNDS
    if account.owner == 0 and 2 * (state.opened + 2) > state.accounts:
        state.need = NEEDS_ACCOUNTS
        return NO_REASON
    if account.owner == 0:
        _open(memory, command.owner, at)
    if command.kind == DEPOSIT:
        account.money += money
        position.lots += lots
    elif command.kind == LIMITS:
        position.limit = money
        account.most_orders = lots
        account.checks = 1 if command.flags & CHECK_FUNDS != 0 else 0
    elif command.kind == KILL or command.kind == REVIVE:
        account.killed = 1 if command.kind == KILL else 0
    return NO_REASON


@part
def _may_go(account: Account, position: Position, money: int, lots: int) -> bool:
    """Tell whether a deposit of less than nothing leaves what live orders need."""
    if money < 0 and account.money + money < account.reserved:
        return False
    return lots >= 0 or position.lots + lots >= position.sells


@part
def _open(memory: Memory, owner: int, at: int) -> None:
    """Open an account, and count the orders that its owner has already."""
    state = memory.state
    memory.accounts[at].owner = owner
    state.opened += 1
    for slot in range(1, state.used_orders + 1):
        order = memory.orders[slot]
        if order.instrument >= 0 and order.owner == owner:
            ladder = memory.levels[order.level].ladder
            side = (ladder & 1) ^ ((ladder >> 1) & 1)
            price, qty = memory.levels[order.level].price, order.qty
            if order.extra != 0:
                qty += memory.extras[order.extra].reserve
                if (ladder >> 1) & 1 != 0:
                    price = memory.extras[order.extra].price
            commit(state, owner, order.instrument, side, price, qty, 1)


@outlined_part
def tell_account(state: State, command: Command) -> None:
    """Say what an owner now has."""
    memory = memory_of(state)
    at = account_of(memory, command.owner)
    lots = memory.positions[at * state.markets + command.instrument].lots
    owner, instrument = command.owner, command.instrument
    tell(state, command, instrument, ACCOUNT_EVENT, 0, 0, owner, memory.accounts[at].money, lots, 0)
