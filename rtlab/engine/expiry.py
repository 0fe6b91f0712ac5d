"""Orders that expire, in a binary heap: the first to expire is on top, of two at a time the older order."""

from rtlab.compiling import part
from rtlab.engine.layout import Memory


@part
def _before(memory: Memory, left: int, right: int) -> bool:
    one, other = memory.extras[left], memory.extras[right]
    return one.expire < other.expire or (one.expire == other.expire and one.entered < other.entered)


@part
def _set(memory: Memory, place: int, extra: int) -> None:
    memory.heap[place] = extra
    memory.extras[extra].heap = place


@part
def _rise(memory: Memory, place: int, extra: int) -> None:
    while place > 1 and _before(memory, extra, memory.heap[place >> 1]):
        _set(memory, place, memory.heap[place >> 1])
        place >>= 1
    _set(memory, place, extra)


@part
def _sink(memory: Memory, place: int, extra: int) -> None:
    count = memory.state.heaped
    while 2 * place <= count:
        below = 2 * place
        if below < count and _before(memory, memory.heap[below + 1], memory.heap[below]):
            below += 1
        if not _before(memory, memory.heap[below], extra):
            break
        _set(memory, place, memory.heap[below])
        place = below
    _set(memory, place, extra)


@part
def remember_expiry(memory: Memory, extra: int) -> None:
    """Enter an order that is in the heap nowhere; the heap has a place for every slot of the extras."""
    state = memory.state
    state.heaped += 1
    _rise(memory, state.heaped, extra)
    state.timer = min(state.timer, memory.extras[extra].expire)


@part
def forget_expiry(memory: Memory, extra: int) -> None:
    """Take an order out of the heap."""
    state = memory.state
    place = memory.extras[extra].heap
    memory.extras[extra].heap = 0
    last = memory.heap[state.heaped]
    state.heaped -= 1
    if last != extra:
        if place > 1 and _before(memory, last, memory.heap[place >> 1]):
            _rise(memory, place, last)
        else:
            _sink(memory, place, last)
