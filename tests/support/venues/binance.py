"""A loopback Binance, spot or USD-M: combined streams, depth snapshots and exchangeInfo as its documents have them."""

import json
from urllib.parse import parse_qs, unquote, urlsplit

from support.venues.session import Session
from support.venues.truth import TruthBook
from support.venues.venue import LoopbackVenue, Reply


class LoopbackBinance(LoopbackVenue):
    def __init__(self, books: list[TruthBook], *, is_usdm: bool = False) -> None:
        super().__init__(books)
        self.is_usdm = is_usdm
        self.ids = dict.fromkeys(self.books, 1000)
        self.sent = dict.fromkeys(self.books, 1000)  # the last `u`
        self.pending: dict[str, list[tuple[int, int, int]]] = {name: [] for name in self.books}
        self.best: dict[str, object] = {}

    def greet(self, session: Session) -> None:
        streams = parse_qs(urlsplit(session.path).query).get("streams", [""])[0]
        for stream in filter(None, streams.split("/")):
            name, _, channel = stream.partition("@")
            session.subscribed.add((channel, name.upper()))

    def heard(self, session: Session, text: str) -> None:
        asked = json.loads(text)
        if asked["method"] == "LIST_SUBSCRIPTIONS":
            streams = [f"{name.lower()}@{channel}" for channel, name in session.subscribed]
            session.send(json.dumps({"result": streams, "id": asked["id"]}))
        else:
            session.send(json.dumps({"code": 2, "msg": "Invalid request", "id": asked.get("id")}))

    def answer(self, path: str) -> Reply:
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        if parts.path.endswith("/exchangeInfo"):
            names = json.loads(unquote(query["symbols"][0])) if "symbols" in query else list(self.books)
            if any(name not in self.books for name in names):
                return Reply(400, b'{"code":-1121,"msg":"Invalid symbol."}')
            return Reply(
                200, json.dumps({"symbols": [self.symbol(self.books[name]) for name in names]}).encode()
            )
        book = self.books[query["symbol"][0]]
        if self.old_snapshots and book.name in self.old:
            self.old_snapshots -= 1
            return Reply(200, json.dumps(self.old[book.name]).encode())
        return Reply(200, json.dumps(self.state(book)).encode())

    def symbol(self, book: TruthBook) -> dict[str, object]:
        return {
            "symbol": book.name,
            "status": "TRADING",
            "baseAssetPrecision": -int(book.lot.as_tuple().exponent),
            "filters": [
                {
                    "filterType": "PRICE_FILTER",
                    "minPrice": "0.1",
                    "maxPrice": "999999",
                    "tickSize": str(book.tick),
                },
                {
                    "filterType": "LOT_SIZE",
                    "minQty": str(book.lot),
                    "maxQty": "9000",
                    "stepSize": str(book.lot),
                },
            ],
        }

    def state(self, book: TruthBook) -> dict[str, object]:
        bids, asks = ([[book.price(p), book.qty(q)] for p, q in side] for side in book.levels(1000))
        return {"lastUpdateId": self.ids[book.name], "E": self.ms, "T": self.ms, "bids": bids, "asks": asks}

    @property
    def ms(self) -> int:
        return (self.wall + self.now) // 1_000_000

    def moved(self, book: TruthBook, changes: list[tuple[int, int, int]]) -> None:
        self.pending[book.name] += changes
        self.ids[book.name] += len(changes) + (book.rng.randrange(4) if self.is_usdm else 0)
        best = book.levels(1)
        if best == self.best.get(book.name):
            return
        self.best[book.name] = best
        (bid, ask) = best[0][0], best[1][0]
        quote = {
            "u": self.ids[book.name],
            "s": book.name,
            "b": book.price(bid[0]),
            "B": book.qty(bid[1]),
            "a": book.price(ask[0]),
            "A": book.qty(ask[1]),
        }
        if self.is_usdm:
            quote |= {"e": "bookTicker", "T": self.ms, "E": self.ms}
        self._publish("bookTicker", book.name, quote)

    def flush(self) -> None:
        for name, changes in self.pending.items():
            if not changes:
                continue
            book, first = self.books[name], self.sent[name] + 1
            sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
            for side, price, qty in changes:
                sides[side][price] = qty
            if self.is_wrong_now():
                sides[0][book.levels(1)[1][0][0] - 1] = 123_456  # no better bid is possible
            message = {
                "e": "depthUpdate",
                "E": self.ms,
                "s": name,
                "U": first,
                "u": self.ids[name],
                "b": [[book.price(p), book.qty(q)] for p, q in sides[0].items()],
                "a": [[book.price(p), book.qty(q)] for p, q in sides[1].items()],
            }
            if self.is_usdm:
                message |= {"T": self.ms, "pu": self.sent[name]}
            self.sent[name] = self.ids[name]
            self.pending[name] = []
            self._publish("depth@100ms", name, message, is_book=True)

    def traded(self, book: TruthBook, trade_id: int, side: int, price: int, qty: int) -> None:
        made = {"s": book.name, "p": book.price(price), "q": book.qty(qty), "T": self.ms, "m": side == 1}
        self._publish("trade", book.name, {"e": "trade", "E": self.ms, "t": trade_id, **made})
        both = {"e": "aggTrade", "E": self.ms, "a": trade_id, "f": trade_id, "l": trade_id, **made}
        self._publish("aggTrade", book.name, both)

    def _publish(self, channel: str, name: str, message: dict[str, object], *, is_book: bool = False) -> None:
        payload = json.dumps({"stream": f"{name.lower()}@{channel}", "data": message})
        for session in tuple(self.sessions):
            if (channel, name) in session.subscribed:
                session.send(payload, is_book=is_book)
