"""What one reader may have: which channels of which instruments, and how much of them."""

from typing import Self

import msgspec

ANY = "*"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a token, or its absence, allows. `patterns` are (channel, instrument); `ANY` stands for all of them.

    `who` is the token's subject, empty where nobody asked. `subscriptions` lowers the limit of one connection.
    """

    who: str = ""
    patterns: frozenset[tuple[str, str]] = frozenset()
    subscriptions: int | None = None

    @classmethod
    def of(cls, channels: list[str], *, who: str = "", subscriptions: int | None = None) -> Self:
        """Give the grant for `channels`, each `channel` or `channel/instrument`, either of them maybe `*`."""
        patterns = frozenset(
            (channel, instrument or ANY)
            for channel, _, instrument in (one.partition("/") for one in channels)
        )
        return cls(who=who, patterns=patterns, subscriptions=subscriptions)

    def allows(self, channel: str, instrument: str) -> bool:
        """Tell whether this reader may have `channel` of `instrument`."""
        patterns = self.patterns
        return (
            (ANY, ANY) in patterns
            or (channel, ANY) in patterns
            or (channel, instrument) in patterns
            or (ANY, instrument) in patterns
        )

    def sees(self, instrument: str) -> bool:
        """Tell whether this reader may have anything of `instrument`."""
        return any(allowed in (ANY, instrument) for _, allowed in self.patterns)

    def most(self, limit: int) -> int:
        """Give the most subscriptions of one connection where everybody else may have `limit`."""
        return limit if self.subscriptions is None else min(limit, self.subscriptions)


OPEN = Grant(patterns=frozenset({(ANY, ANY)}))
"""Everything, to anybody."""
