"""One frame to many sockets: by io_uring where it is, else by a compiled loop over send(2).

Where neither is, each socket is written by its transport.

A package of its own, because a kernel compiles anew when a file of its package changes.
"""

from rtlab.feed.fanout.loop import FULL, is_possible, send_to_all
from rtlab.feed.fanout.ring import ENTRIES, Ring
from rtlab.feed.fanout.sender import Sender, warm_up

__all__ = ["ENTRIES", "FULL", "Ring", "Sender", "is_possible", "send_to_all", "warm_up"]
