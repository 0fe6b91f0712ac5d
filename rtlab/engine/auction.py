"""Call auctions: the price at which most would trade, and the trades at it."""

from rtlab.compiling import outlined_part, part, pasted_part
from rtlab.engine.accounts import pay
from rtlab.engine.bits import next_above
from rtlab.engine.checks import reference_of
from rtlab.engine.codes import ASK, BID, INDICATIVE
from rtlab.engine.layout import BOOK, NONE_ABOVE, Command, Market, Memory, State
from rtlab.engine.matching import fill, no_room_for_events, record_trade, settle_fill
from rtlab.engine.memory import memory_of
from rtlab.engine.output import emit_trade, tell, tell_price
from rtlab.engine.queues import ladder_of, level_at, next_price, open_qty, seen


@outlined_part
def uncrossing(state: State, instrument: int) -> None:
    """Find price, volume and surplus of an auction, 0 when nothing would trade: `state.cross_*`.

    The price of most volume; of these of the least surplus; of these, if all have buyers left over, the highest, if
    all have sellers left over, the lowest; else the one nearest to the reference price, or to the middle. (The four
    steps of the ASX and of Xetra.) Prices between two levels count too: what trades there differs from both.
    """
    memory = memory_of(state)
    at_bid, at_ask = ladder_of(instrument, BOOK, BID), ladder_of(instrument, BOOK, ASK)
    bids, asks = memory.ladders[at_bid], memory.ladders[at_ask]
    low, high = asks.best, bids.best
    state.cross_price = state.cross_qty = state.cross_surplus = 0
    if low > high:
        return
    bought = _quantity_from(memory, at_bid, high, low)
    sold = 0
    best_qty = 0
    best_surplus = 0
    first = last = low
    buyers = sellers = True
    ask, bid, before = low, _lowest_from(memory, at_bid, high, low), low - 1
    while before < high:
        price = min(ask, bid)
        for begin, final in ((before + 1, price - 1), (price, price)):
            if final == price and ask == price:
                sold += memory.levels[level_at(memory, asks, price)].total
            qty, surplus = min(bought, sold), bought - sold
            better = qty > best_qty or (qty == best_qty and abs(surplus) < abs(best_surplus))
            if begin <= final and better:
                best_qty, best_surplus, first = qty, surplus, begin
                buyers = sellers = True
            if begin <= final and qty == best_qty and abs(surplus) == abs(best_surplus):
                last = final
                buyers = buyers and surplus > 0
                sellers = sellers and surplus < 0
        if bid == price:
            bought -= memory.levels[level_at(memory, bids, price)].total
            bid = _next_up(memory, at_bid, price)
        if ask == price:
            ask = next_price(memory, at_ask, price)
        before = price
    price = _choice(memory.markets[instrument], first, last, buyers, sellers)
    state.cross_price, state.cross_qty = price, best_qty
    state.cross_surplus = _surplus_at(memory, at_bid, at_ask, price)


@pasted_part
def _choice(market: Market, first: int, last: int, buyers: bool, sellers: bool) -> int:
    if buyers:
        return last
    if sellers:
        return first
    wanted = reference_of(market)
    if wanted < 0:
        wanted = first + (last - first) // 2
    return min(max(wanted, first), last)


@part
def _quantity_from(memory: Memory, at: int, best: int, worst: int) -> int:
    """Give the quantity of a ladder from its best price to `worst`, which need not be a level."""
    total = 0
    price = best
    while price >= worst if at & 1 == 0 else price <= worst and price != NONE_ABOVE:
        total += memory.levels[level_at(memory, memory.ladders[at], price)].total
        price = next_price(memory, at, price)
    return total


@pasted_part
def _lowest_from(memory: Memory, at: int, best: int, worst: int) -> int:
    price = best
    while next_price(memory, at, price) >= worst:
        price = next_price(memory, at, price)
    return price


@pasted_part
def _next_up(memory: Memory, at: int, price: int) -> int:
    """Give the next higher level of the bids; one above all prices when there is none."""
    ladder = memory.ladders[at]
    tick = next_above(memory.bits, ladder, price - ladder.base)
    return ladder.base + tick if tick >= 0 else NONE_ABOVE


@pasted_part
def _surplus_at(memory: Memory, at_bid: int, at_ask: int, price: int) -> int:
    bought = _quantity_from(memory, at_bid, memory.ladders[at_bid].best, price)
    return bought - _quantity_from(memory, at_ask, memory.ladders[at_ask].best, price)


@outlined_part
def uncross(state: State, command: Command, instrument: int) -> bool:
    """Trade one pair of orders at `state.cross_price`; tell whether there was none, or no room for its events."""
    memory = memory_of(state)
    price = state.cross_price
    at_bid, at_ask = ladder_of(instrument, BOOK, BID), ladder_of(instrument, BOOK, ASK)
    bids, asks = memory.ladders[at_bid], memory.ladders[at_ask]
    if bids.best < price or asks.best > price:
        memory.markets[instrument].anchor = memory.markets[instrument].last
        return False
    if no_room_for_events(memory):
        return False
    bid_price, ask_price = bids.best, asks.best
    bid = memory.levels[level_at(memory, bids, bid_price)].head
    ask = memory.levels[level_at(memory, asks, ask_price)].head
    buyer, seller = memory.orders[bid], memory.orders[ask]
    qty = min(buyer.qty, seller.qty)
    fill(memory, bid, qty)
    fill(memory, ask, qty)
    state.crossed += qty
    market = memory.markets[instrument]
    record_trade(market, price)
    if state.opened != 0:
        ppm = market.maker_fee_ppm
        pay(state, instrument, buyer.owner, seller.owner, ppm, ppm, price, qty)
    rest = open_qty(memory, ask)
    emit_trade(memory, command, instrument, BID, buyer.id, seller.id, price, qty, rest)
    bid_seen, ask_seen = seen(memory, bid), seen(memory, ask)
    settle_fill(memory, command, bid)
    if bid_seen:
        tell_price(memory.state, command, at_bid, bid_price)
    if seller.level != 0 and seller.instrument == instrument:
        settle_fill(memory, command, ask)
    if ask_seen:
        tell_price(memory.state, command, at_ask, ask_price)
    return True


@outlined_part
def indicate(state: State, command: Command, instrument: int) -> None:
    """Tell at which price an auction would trade, if that has changed."""
    memory = memory_of(state)
    market = memory.markets[instrument]
    uncrossing(state, instrument)
    price, qty, surplus = state.cross_price, state.cross_qty, state.cross_surplus
    if market.told_price != price or market.told_qty != qty or market.told_surplus != surplus:
        market.told_price, market.told_qty, market.told_surplus = price, qty, surplus
        tell(memory.state, command, instrument, INDICATIVE, 0, 0, 0, price, qty, surplus)
