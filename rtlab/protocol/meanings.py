"""What every field and code of the wire means, in words: for the description that strangers read."""

from rtlab.protocol.codes import Code

_KEY = "the subscription, as its Subscribed named it"
_EPOCH = "number of the history that the sequence counts in"
_WHOLE = "1099511627776 (2^40) stands for the whole"

MEANINGS: dict[str, dict[str, str]] = {
    "Channel": {
        "name": "book, trades, ticker or bars",
        "instrument": "a symbol of the Welcome",
        "depth": "best levels of each side (book), newest rows (trades at the start, bars); null: all",
        "interval": "length of a bar in ns; above 0 for bars, 0 for every other channel",
        "max_rate": "most messages a second that the reader wants (0.001 or more); null: as they come",
        "resume": "where the reader stands, [epoch, seq, depth held]; null: it holds nothing",
        "least_depth": "how little depth the reader takes while it is DEGRADED; null: never less than granted",
    },
    "Subscribe": {
        "id": "a number of the reader's choice, in the answers",
        "channels": "the wishes; each is answered on its own",
    },
    "Unsubscribe": {"key": _KEY},
    "Pong": {
        "nonce": "of the Ping that is answered",
        "applied": "key -> [epoch, seq] at which the reader stands; a key that holds nothing is left out",
    },
    "Resync": {"key": _KEY},
    "Authenticate": {"token": "the token, as it would stand after `Bearer ` in the Authorization header"},
    "Welcome": {
        "version": "of the protocol, the number in the subprotocol",
        "server_time": "the server's monotonic clock in ns; only differences mean anything",
        "heartbeat_s": "longest silence after which the server pings, in seconds",
        "limits": "by name: evict_after_s, resync_every_s (seconds), messages_per_s (Pongs apart), subscriptions "
        "(of this connection), window (bytes unanswered); and more",
        "instruments": "[symbol, tick size, lot size]; the sizes are exact decimals in text",
    },
    "Subscribed": {
        "id": "of the Subscribe",
        "key": "names this subscription from here on; never used again on this connection",
        "channel": "as asked",
        "instrument": "as asked",
        "depth": "granted; null: the whole",
        "max_rate": "granted; null: as they come",
        "interval": "as asked",
        "tick_size": "price of one tick, exact decimal in text",
        "lot_size": "quantity of one lot, exact decimal in text",
        "index": "of the Channel in the Subscribe, from 0",
    },
    "Snapshot": {
        "key": _KEY,
        "epoch": _EPOCH,
        "seq": "the state is that after this change",
        "depth": f"each side is cut to this many levels; {_WHOLE}",
        "bids": "[price, qty], best (highest) first",
        "asks": "[price, qty], best (lowest) first",
        "checksum": "of exactly these levels; null: not told",
        "ts_event": "ns, when the last change happened",
    },
    "Increment": {
        "key": _KEY,
        "epoch": _EPOCH,
        "first_seq": "follows the reader at first_seq - 1",
        "last_seq": "where the reader stands afterwards",
        "depth": f"to cut each side to after applying; {_WHOLE}",
        "ts_event": "ns, when the last of the changes happened",
        "changes": "[side, price, qty]; qty 0 removes; removing an unknown price does nothing",
        "checksum": "of the book after the cut; null: not told",
    },
    "TotalsBefore": {
        "seq": "trades of the epoch before the first row",
        "bought": "lots bought by aggressors in them",
        "sold": "lots sold by aggressors in them",
    },
    "Trades": {
        "key": _KEY,
        "epoch": _EPOCH,
        "first_seq": "follows the reader at first_seq - 1",
        "last_seq": "number of the last row",
        "before": "the epoch's totals before the first row; the first row is number before.seq + 1",
        "trades": "[ts_event, price, qty, aggressor side], oldest first",
    },
    "Ticker": {
        "key": _KEY,
        "epoch": _EPOCH,
        "seq": "how often the row changed",
        "ts_event": "ns, when it changed last",
        "bid": "best bid in ticks; null: there is none",
        "bid_qty": "lots there",
        "ask": "best ask in ticks; null: there is none",
        "ask_qty": "lots there",
        "last": "price of the last trade in ticks; null: there was none",
        "last_qty": "its lots",
    },
    "Bars": {
        "key": _KEY,
        "epoch": _EPOCH,
        "seq": "number of the last trade that is in",
        "first_seq": "0: these are all bars; else they follow the reader at first_seq - 1",
        "depth": f"bars to keep, the newest; {_WHOLE}",
        "bars": "[start, open, high, low, close, volume, trades]; start in ns, volume in lots",
    },
    "Status": {
        "state": "LIVE, LAGGING or DEGRADED; FROZEN: the server hears nothing of what it serves",
        "merged": "states that were passed over by a later message, since the connection began",
        "dropped": "rows of trades that were left out, since the connection began",
        "lag_ms": "how long the reader owed, or took for, its last answer; of FROZEN: how long nothing was heard",
    },
    "Ping": {
        "nonce": "to be given back",
        "server_time": "as in Welcome, when it was sent",
        "heads": "key -> [epoch, sent, exact_to] of this reader",
    },
    "Error": {
        "code": "as in the table of codes",
        "message": "whose fault it is, what was expected, what came",
        "retry_after_s": "seconds to wait before asking again; null: not told",
        "id": "of the Subscribe that is refused; null: it is about something else",
        "index": "of the Channel in that Subscribe",
        "key": "of the subscription that it is about; null: of none",
    },
    "Batch": {"messages": "to be taken one after the other; none of them is a Batch"},
}
"""Message (or part of one) -> field, in the order of the wire -> what it means."""

CODES: dict[Code, tuple[str, str]] = {
    Code.RESTARTING: ("the server ends or restarts", "come back, with jitter, after the hint"),
    Code.UNAUTHORISED: (
        "no token, or one that is not (or no longer) valid",
        "do not come back without another",
    ),
    Code.PROTOCOL: (
        "what came is not allowed by this protocol",
        "mend the reader; come back after 1 s or more",
    ),
    Code.FORBIDDEN: ("the token does not allow this", "do not ask again with this token"),
    Code.UNKNOWN: ("no such channel, instrument or key", "do not ask again"),
    Code.TOO_SLOW: ("the reader did not follow", "come back, with jitter, after the hint, and resume"),
    Code.LIMIT: ("a limit was reached: connections, subscriptions", "ask for less; come back after the hint"),
    Code.TOO_MANY_REQUESTS: ("asked too often", "ask again after the hint"),
}
"""Code -> what it says, what the reader does."""
