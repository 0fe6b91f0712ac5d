"""The relay: a path of the gateway that keeps sealed envelopes until their devices have them. It holds no key.

What it knows is who writes to whom, when and how much; what it can do is to withhold. What it says of keys is checked
by every client against what wallets signed.
"""

from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.relay import PATH, SUBPROTOCOL, Relay
from rtlab.messaging.relay.statistics import RelayStatistics

__all__ = ["PATH", "SUBPROTOCOL", "Relay", "RelayLimits", "RelayStatistics"]
