"""What a relay counts."""

from typing import NamedTuple


class RelayStatistics(NamedTuple):
    """Connections now; envelopes and requests, ever."""

    online: int
    waiting: int  # envelopes that are not stored yet
    stored: int  # by mailbox
    duplicates: int
    delivered: int
    acknowledged: int
    fleeting: int
    fleeting_dropped: int
    chunks_stored: int  # of attachments
    chunks_fetched: int
    commits: int
    stale_commits: int
    refused: int
    store_failures: int


NAMES = RelayStatistics._fields[2:]
