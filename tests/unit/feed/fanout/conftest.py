"""Where this system has no io_uring, or forbids it, there is no ring to test: nothing can be installed for that."""

from rtlab.feed.fanout import Ring

collect_ignore: list[str] = []
try:
    Ring().close()
except OSError:
    collect_ignore.append("test_ring.py")
