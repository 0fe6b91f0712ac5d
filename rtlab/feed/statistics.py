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
    """The gateway: readers now and ever, how they are treated, how they ended, and what sharing saved."""

    readers: int
    live: int
    lagging: int
    degraded: int
    accepted: int
    refused: int
    evicted: int
    given_up: int  # of these: because the memory that was held for them was needed
    foreign: int  # closed because of a payload that the protocol does not allow
    lagged: int  # how often any reader began to lag, was degraded and became live
    degradations: int
    recovered: int
    publishes: int
    postponed: int  # publishes that waited because the round before took long, and were merged
    publish_us: float  # the last round, without what others did in between
    slices: int  # of all rounds
    cohorts: int  # sets of readers that are served as one
    carried: int  # readers in them
    fell_out: int  # how often one left its cohort, to be served alone
    frames_built: int
    frames_shared: int
    frames_compressed: int
    bytes_saved: int  # by compression
    merged: int  # states that were passed over by a later message, of all readers ever
    dropped: int  # rows of logs that were left out
    bytes_sent: int
    buffered: int  # bytes in all send buffers now
    heartbeat_ms: float  # the longest silence before a ping, stretched when readers are many
    pings_stretched: int  # pings that were due and waited for their turn
    pongs_skipped: int  # answers to a peer's own pings that it does not read
