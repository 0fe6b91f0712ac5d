"""What a reader costs that comes: handshake, subscription, first snapshot."""

from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.cli.bench.fanout.contenders import OURS, contenders
from rtlab.cli.bench.fanout.serving import Window
from rtlab.cli.bench.fanout.ticks import INSTRUMENTS

RATE = 20.0
WINDOW_S = 4.0


def accept_us(readers: int) -> float:
    """Measure the CPU us of a server for each of `readers` that come while it sends ten ticks a second."""
    with contenders(1000, None, (OURS,)) as field:
        server = field.present[OURS]
        idle = server.measure(Window(RATE, WINDOW_S / 4)).fanout_s * 4
        with Crowd(server.port, Wish(readers, [INSTRUMENTS[0].symbol])) as crowd:
            busy = server.measure(Window(RATE, WINDOW_S)).fanout_s
            crowd.ready()
    return 1e6 * max(0.0, busy - idle) / readers
