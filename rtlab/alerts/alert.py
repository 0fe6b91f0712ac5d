"""What an alert says, and the topic of the bus that carries it."""

import msgspec

from rtlab.bus import Topic

PAGE, HOOK = "page", "webhook"


class Alert(msgspec.Struct, frozen=True, array_like=True):
    """One thing that a rule saw: `text` says it whole; `rule` names who, `value` what was seen, as it is written.

    `webhook` is the address that must be told, empty for none; `ts` when it was seen, in ns since 1970.
    """

    rule: str
    symbol: str
    text: str
    value: str
    webhook: str = ""
    ts: int = 0


def alerts_topic(name: str = "alerts") -> Topic[Alert]:
    """Give the topic of one desk's alerts: each goes to whoever shows them and to whoever tells the webhooks."""
    return Topic(name=name, type=Alert, groups=(PAGE, HOOK), shards=4, limit=10_000, alarm_s=5.0)


ALERTS = alerts_topic()
