"""The WebSocket server around Subscriber: readers in, frames of shared state out, a bounded cost for each."""

from rtlab.feed.gateway import Gateway
from rtlab.feed.statistics import ConnectionStatistics, GatewayStatistics

__all__ = ["ConnectionStatistics", "Gateway", "GatewayStatistics"]
