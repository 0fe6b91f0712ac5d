"""An Increment in as few bytes as a shared frame can have, for subprotocol rtlab.v1.packed: WIRE.md has the layout.

What a frame may refer to is itself alone, since it goes to readers who came different ways: no table of the
connection, no message before. What is left is to say nothing twice: prices in order, each as its distance to the
one before, a removal as one bit, times in the coarsest unit that holds them. All numbers are varints: seven bits a
byte, the lowest first, the top bit set on all but the last (LEB128, as in protocol buffers), negative ones zigzag.
"""

from bisect import bisect_left
from operator import itemgetter

from rtlab.protocol.messages import ChangeRow, Increment

FIRST_OF_ARRAYS = 0x80
"""Packed bodies begin with a byte below this, msgpack's arrays and binaries do not."""

_CHECKED, _UNIT = 0b100, 0b011
_UNITS = (1, 10**3, 10**6, 10**9)  # ns
_FIXED = 7  # numbers before the changes
_MOST = 2**63
_WIDEST = 63  # bits that lie before the last byte of a number
_place = itemgetter(0, 1)


def pack(message: Increment) -> bytes | None:
    """Give the packed form, with the changes by side and price; None: it has none, such as a negative key."""
    span = message.last_seq + 1 - message.first_seq
    if min(span, message.key, message.epoch, message.depth) < 0:
        return None
    unit, checksum = _unit(message.ts_event), message.checksum
    body = bytearray((unit | (0 if checksum is None else _CHECKED),))
    if checksum is not None:
        body += checksum.to_bytes(4, "little")
    changes = sorted(message.changes, key=_place)
    bids = bisect_left(changes, (1,))
    ts = _zigzag(message.ts_event // _UNITS[unit])
    numbers = [message.key, message.epoch, message.last_seq, span, message.depth, ts, bids]
    before, last_side = 0, -1
    for side, price, qty in changes:
        distance = price - before
        if side != last_side:  # an ask may lie below a bid that is gone, and a first price anywhere
            distance, last_side = _zigzag(distance), side
        before = price
        if qty:
            numbers += (distance << 1, qty)
        else:
            numbers.append(distance << 1 | 1)
    append = body.append
    for number in numbers:
        while number > 127:
            append(number & 127 | 128)
            number >>= 7
        append(number)
    return bytes(body)


def unpack(body: bytes) -> Increment:
    """Give the message of a packed form; ValueError where it is none, whatever the bytes are."""
    head = body[0] if body else FIRST_OF_ARRAYS
    if head & ~(_CHECKED | _UNIT):
        raise ValueError("no packed Increment begins so")
    checksum, at = None, 1
    if head & _CHECKED:
        checksum, at = int.from_bytes(body[1:5], "little"), 5
    numbers = varints(body[at:])
    if len(numbers) < _FIXED:
        raise ValueError("the packed Increment ends too soon")
    key, epoch, last_seq, span, depth, ts, bids = numbers[:_FIXED]
    ts_event, first_seq = _unzigzag(ts) * _UNITS[head & _UNIT], last_seq + 1 - span
    if first_seq < 0 or not -_MOST <= ts_event < _MOST or max(key, epoch, last_seq, depth) >= _MOST:
        raise ValueError("a number of the packed Increment is out of range")
    changes = _changes(numbers, bids)
    return Increment(key, epoch, first_seq, last_seq, depth, ts_event, changes, checksum)


def varints(body: bytes) -> list[int]:
    """Give the numbers that `body` is made of; ValueError where one has no end, or more than 64 bits or so."""
    numbers: list[int] = []
    number = shift = 0
    for byte in body:
        if byte < 128:
            numbers.append(number | byte << shift)
            number = shift = 0
        else:
            number |= (byte & 127) << shift
            shift += 7
            if shift > _WIDEST:
                raise ValueError("a number of the packed Increment is too long")
    if shift:
        raise ValueError("the packed Increment ends within a number")
    return numbers


def _changes(numbers: list[int], bids: int) -> list[ChangeRow]:
    changes: list[ChangeRow] = []
    price, at, end = 0, _FIXED, len(numbers)
    while at < end:
        place, distance = len(changes), numbers[at] >> 1
        price += _unzigzag(distance) if place in (0, bids) else distance
        qty = 0
        if not numbers[at] & 1:
            at += 1
            if at == end:
                raise ValueError("the packed Increment ends before a quantity")
            qty = numbers[at]
        at += 1
        if not -_MOST <= price < _MOST or qty >= _MOST:
            raise ValueError("a level of the packed Increment is out of range")
        changes.append((int(place >= bids), price, qty))
    if len(changes) < bids:
        raise ValueError("the packed Increment ends within its bids")
    return changes


def _unit(ts: int) -> int:
    for unit in (3, 2, 1):
        if not ts % _UNITS[unit]:
            return unit
    return 0


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else ~number << 1 | 1


def _unzigzag(number: int) -> int:
    return ~(number >> 1) if number & 1 else number >> 1
