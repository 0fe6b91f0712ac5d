"""The wire, without input or output: messages, codec, and (over any Source and View) Subscriber and Reader."""

from rtlab.protocol.cache import CacheStatistics, PayloadCache
from rtlab.protocol.channels import CHANNEL_KINDS, AnyView
from rtlab.protocol.codec import SUBPROTOCOLS, VERSION, Codec, Encoding, Malformed, Payload
from rtlab.protocol.codes import Code
from rtlab.protocol.credit import Credit
from rtlab.protocol.grant import OPEN, Grant
from rtlab.protocol.ladder import State
from rtlab.protocol.limits import Limits
from rtlab.protocol.messages import (
    Authenticate,
    Bars,
    Batch,
    Channel,
    ClientMessage,
    Error,
    Increment,
    Ping,
    Pong,
    Resync,
    ServerMessage,
    Snapshot,
    Status,
    Subscribe,
    Subscribed,
    Ticker,
    TotalsBefore,
    Trades,
    Unsubscribe,
    Welcome,
)
from rtlab.protocol.pace import Pace
from rtlab.protocol.reader import Applied, Reader, ReaderStatistics
from rtlab.protocol.state import Source, Sources, View
from rtlab.protocol.subscriber import Subscriber, SubscriberStatistics
from rtlab.protocol.subscription import Subscription, SubscriptionState

__all__ = [
    "CHANNEL_KINDS",
    "OPEN",
    "SUBPROTOCOLS",
    "VERSION",
    "AnyView",
    "Applied",
    "Authenticate",
    "Bars",
    "Batch",
    "CacheStatistics",
    "Channel",
    "ClientMessage",
    "Code",
    "Codec",
    "Credit",
    "Encoding",
    "Error",
    "Grant",
    "Increment",
    "Limits",
    "Malformed",
    "Pace",
    "Payload",
    "PayloadCache",
    "Ping",
    "Pong",
    "Reader",
    "ReaderStatistics",
    "Resync",
    "ServerMessage",
    "Snapshot",
    "Source",
    "Sources",
    "State",
    "Status",
    "Subscribe",
    "Subscribed",
    "Subscriber",
    "SubscriberStatistics",
    "Subscription",
    "SubscriptionState",
    "Ticker",
    "TotalsBefore",
    "Trades",
    "Unsubscribe",
    "View",
    "Welcome",
]
