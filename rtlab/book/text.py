"""A book as text: its best levels in units, side by side."""

from collections.abc import Sequence

from rtlab.model import Instrument, Level


def book_text(
    instrument: Instrument, at: tuple[int, int], bids: Sequence[Level], asks: Sequence[Level], depth: int = 5
) -> str:
    """Write the best `depth` levels (price in ticks, qty in lots) of a book that stands at (epoch, seq)."""
    price, quantity = instrument.price, instrument.quantity
    lines = [f"{instrument.symbol}  book {at[0]}/{at[1]}", f"{'bid':>24} | ask"]
    for i in range(min(depth, max(len(bids), len(asks)))):
        bid = f"{quantity(bids[i][1])} {price(bids[i][0])}" if i < len(bids) else ""
        ask = f"{price(asks[i][0])} {quantity(asks[i][1])}" if i < len(asks) else ""
        lines.append(f"{bid:>24} | {ask}")
    return "\n".join(lines)
