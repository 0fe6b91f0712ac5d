"""Clients of a feed around Reader, asyncio and blocking, which come back by themselves."""

from rtlab.client.asynchronous import Client, connect
from rtlab.client.blocking import BlockingClient, connect_blocking
from rtlab.client.inbox import Inbox, Policy
from rtlab.client.link import ClientStatistics, LinkState

__all__ = [
    "BlockingClient",
    "Client",
    "ClientStatistics",
    "Inbox",
    "LinkState",
    "Policy",
    "connect",
    "connect_blocking",
]
