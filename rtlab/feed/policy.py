"""The rules of a gateway's door: which pages may read it, and how many may come in and how fast."""

import ipaddress
from urllib.parse import urlsplit

import msgspec

ANY, LOCAL = "*", "local"
"""Stand among the origins for every page, and for every page that this machine serves."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules; 0 is no limit. `origins` are those of browsers' pages, as `https://lab.example`, or ANY or LOCAL.

    `connections` in all, per address (of IPv6 the first 64 bits) and per token; `accept_per_s` with a burst;
    `handshake_s` to ask and to authenticate. `anyone`: other machines may come without a token.
    """

    anyone: bool = False
    origins: tuple[str, ...] = (LOCAL,)
    connections: int = 0
    connections_per_address: int = 0
    connections_per_token: int = 8
    accept_per_s: float = 0.0
    accept_burst: int = 500
    handshake_s: float = 5.0

    def welcomes(self, origin: str) -> bool:
        """Tell whether a page of this origin may read the feed."""
        return ANY in self.origins or origin in self.origins or (LOCAL in self.origins and _is_local(origin))


def network_of(address: str) -> str:
    """Give what an IP address is counted as: itself, but of IPv6 its /64, for who has one has all of it."""
    if ":" not in address:
        return address
    whole = ipaddress.IPv6Address(address.partition("%")[0])
    if whole.ipv4_mapped is not None:
        return str(whole.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(whole) >> 64 << 64, 64)))


def _is_local(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
