"""One frame to many sockets: a compiled loop over send(2), and what to do where there is none.

A package of its own, because a kernel compiles anew when a file of its package changes.
"""

from rtlab.feed.fanout.loop import FULL, is_possible, send_to_all, warm_up

__all__ = ["FULL", "is_possible", "send_to_all", "warm_up"]
