"""Commands out of a seed: the one function of the simulated market that Python calls.

At each command one instrument's worth moves: by a normal step whose size has a fast and a slow regime (so that
quiet and wild times cluster), by a rare jump, and by what is traded (impact). Quotes are placed around it, quotes
that it has passed are cancelled or taken, and takers work orders in pieces (so that the signs of trades persist).
"""

from rtlab.compiling import kernel, part
from rtlab.sources.simulation.actions import GTC, LIMIT, cancel, may_lose, quote, replace, trade, write
from rtlab.sources.simulation.layout import (
    CLOCK_BITS,
    ONE,
    OPENING,
    ROOM,
    TABLE_MASK,
    USUAL,
    Command,
    Market,
    Memory,
    Rows,
)
from rtlab.sources.simulation.queues import rest
from rtlab.sources.simulation.randomness import chance, draw, next_regime, pick


@kernel
def generate(memory: Memory, commands: Rows[Command], until: int) -> int:
    """Fill `commands` up to the clock `until` (1/256 ns after the start); give how many were written."""
    written, state = 0, memory.state[0]
    while written < len(commands) and state.due <= until:
        command = commands[written]
        command.ts = state.start + (state.due >> CLOCK_BITS)
        command.order_type, command.tif, command.flags = LIMIT, GTC, 0
        if state.opening > 0:
            state.opening -= 1
            open_market(memory, command)
        else:
            act(memory, command)
        if state.opening == 0:
            wait(memory)
        written += 1
    return written


@part
def wait(memory: Memory) -> None:
    """Draw when the next command comes."""
    state, bits = memory.state[0], draw(memory)
    if bits & 127 == 0:
        state.pace = next_regime(bits >> 7, state.pace)
    state.due += memory.wait[(bits >> 20) & TABLE_MASK] * memory.paces[state.pace] // ONE


@part
def open_market(memory: Memory, command: Command) -> None:
    """Rest an order of the opening: all books fill together, three orders at each price, from the best outwards."""
    halves = len(memory.halves)
    number, half = divmod(halves * OPENING - 1 - memory.state[0].opening, halves)
    fair, away = memory.markets[half >> 1].fair // ONE, 1 + number // 3
    price = fair - away if half & 1 == 0 else fair + away
    qty = pick(memory, memory.sizes)
    memory.state[0].next_id += 1
    rest(memory, half, memory.state[0].next_id, price, qty)
    write(command, 1, memory.state[0].next_id, half, price, qty)


@part
def evolve(memory: Memory, market: Market) -> None:
    """Move what an instrument is worth."""
    bits = draw(memory)
    if bits & 127 == 0:
        market.fast = next_regime(bits >> 7, market.fast)
    if bits & 4095 == 1:
        market.slow = next_regime(bits >> 12, market.slow)
    market.swing = memory.swings[market.fast + market.slow] * market.volatility // ONE
    step = (memory.normal[(bits >> 20) & TABLE_MASK] * market.swing + 2048) >> 12
    if (bits >> 40) & (ONE - 1) == 0:
        step += memory.jumps[(bits >> 8) & TABLE_MASK]
    fair = market.fair + step
    # at a bound it turns back
    market.fair = (
        2 * market.low - fair if fair < market.low else 2 * market.high - fair if fair > market.high else fair
    )


@part
def act(memory: Memory, command: Command) -> None:
    """Choose an instrument and what happens there, and do it."""
    bits, number = draw(memory), 0
    belongs = bits & (ONE - 1)
    while belongs >= memory.markets[number].until:
        number += 1
    market = memory.markets[number]
    evolve(memory, market)
    bids, asks = memory.halves[2 * number], memory.halves[2 * number + 1]
    # how far the best quotes are on the wrong side of what the instrument is worth, in 1/ONE tick
    bid_stale, ask_stale = bids.best * ONE - market.fair, market.fair - asks.best * ONE
    side = 0 if bid_stale > ask_stale else 1  # the half whose quotes are worse off
    stale = max(bid_stale, ask_stale)
    urgent = stale > ONE // 2
    roll = (bits >> 16) & (ONE - 1)
    crowd = (bids.live + asks.live) * ONE // (2 * USUAL)
    takes = ONE // 22 + (ONE // 4 if urgent else 0)
    cancels = takes + min(crowd * 2 // 5, ONE // 2) + (ONE // 5 if stale > 0 else 0)
    replaces = cancels + ONE // 16
    half = 2 * number + ((bits >> 32) & 1)
    if roll < takes:
        half = 2 * number + (side if urgent else taken_side(memory, market))
        if may_lose(memory, half):
            trade(memory, command, half, urgent)
            return
    elif roll < cancels or memory.halves[half].live >= ROOM - 1:
        if stale > 0:
            half = 2 * number + side
        if may_lose(memory, half):
            cancel(memory, command, half, ONE * 4 // 5 if stale > 0 else ONE // 4)
            return
    elif roll < replaces and may_lose(memory, half):
        replace(memory, command, half, ONE // 4)
        return
    if (bits >> 33) & 3 == 0:  # the side with fewer orders pays better
        half = 2 * number + (1 if bids.live > asks.live else 0)
    quote(memory, command, half)


@part
def taken_side(memory: Memory, market: Market) -> int:
    """Give the side that the order in work takes from: 1 when it buys. A new one begins when its pieces are done."""
    if market.pieces <= 0:
        market.pieces = pick(memory, memory.runs)
        market.sign = 1 if chance(memory) < ONE // 2 else -1
    market.pieces -= 1
    return 1 if market.sign > 0 else 0
