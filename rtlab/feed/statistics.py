"""What the gateway tells about itself: plain counters as named tuples."""

from typing import NamedTuple

from rtlab.protocol import SubscriberStatistics


class ConnectionStatistics(NamedTuple):
    """One reader: who it is, what lies in its send buffer (bytes), and what its Subscriber counts."""

    address: str
    subprotocol: str
    state: str
    buffered: int
    peak_buffered: int
    bytes_sent: int
    subscriber: SubscriberStatistics


class GatewayStatistics(NamedTuple):
    """The gateway: readers now and ever, how they ended, and what sharing one frame among readers saved."""

    readers: int
    live: int
    accepted: int
    refused: int
    evicted: int
    foreign: int  # closed because of a payload that the protocol does not allow
    publishes: int
    postponed: int  # publishes that waited because the one before took long
    publish_us: float  # the last one
    frames_built: int
    frames_shared: int
    bytes_sent: int
    buffered: int  # bytes in all send buffers now
    pongs_skipped: int  # answers to a peer's own pings that it does not read
