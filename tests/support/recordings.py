"""Small recordings made by hand: lines of Binance and LOBSTER, and files of them."""

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

Rows = Sequence[tuple[str, str]]


def write_gzip(path: Path, lines: Iterable[bytes], *, end: bytes = b"\n") -> Path:
    path.write_bytes(gzip.compress(b"\n".join(lines) + end))
    return path


def stream(name: str, message: dict[str, object], ts_recv: int = 1_000) -> bytes:
    return f"{ts_recv} ".encode() + json.dumps({"stream": f"btcusdt@{name}", "data": message}).encode()


def snapshot(last_id: int, bids: Rows = (), asks: Rows = (), ts_recv: int = 1_000, **more: object) -> bytes:
    text = json.dumps({"lastUpdateId": last_id, "bids": bids, "asks": asks, **more})
    return f"{ts_recv} {text}".encode()


def depth(
    first: int, last: int, bids: Rows = (), asks: Rows = (), ts_recv: int = 1_000, **more: object
) -> bytes:
    """One depth diff of spot; with `pu` and `T` it is one of futures."""
    message = {
        "e": "depthUpdate",
        "E": 7,
        "s": "BTCUSDT",
        "U": first,
        "u": last,
        "b": bids,
        "a": asks,
        **more,
    }
    return stream("depth@100ms", message, ts_recv)


def trade(number: int, price: str, qty: str, *, buyer_is_maker: bool, ts_recv: int = 1_000) -> bytes:
    message = {
        "e": "trade",
        "E": 8,
        "s": "BTCUSDT",
        "t": number,
        "p": price,
        "q": qty,
        "T": 8,
        "m": buyer_is_maker,
    }
    return stream("trade", {**message, "M": True}, ts_recv)


def book_ticker(update_id: int, bid: tuple[str, str], ask: tuple[str, str], ts_recv: int = 1_000) -> bytes:
    """One book ticker of spot, which carries no time."""
    message = {"u": update_id, "s": "BTCUSDT", "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
    return stream("bookTicker", message, ts_recv)


def lobster_pair(folder: Path, rows: Iterable[str], *, day: str = "2012-06-21_") -> Path:
    """Write rows "message | orderbook" as the two files, and give the message file."""
    pairs = [row.split("|") for row in rows]
    message, orderbook = (folder / f"ABC_{day}{kind}_1.csv" for kind in ("message", "orderbook"))
    message.write_text("".join(f"{m.strip()}\n" for m, _ in pairs))
    orderbook.write_text("".join(f"{b.strip()}\n" for _, b in pairs))
    return message
