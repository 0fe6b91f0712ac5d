"""A loopback Coinbase Advanced Trade: `level2`, `market_trades` and `heartbeats` under one sequence, and products."""

import json

from support.venues.session import Session
from support.venues.truth import TruthBook
from support.venues.venue import LoopbackVenue, Reply, time_text


class LoopbackCoinbase(LoopbackVenue):
    def __init__(self, books: list[TruthBook]) -> None:
        super().__init__(books)
        self.beats = 0

    def answer(self, path: str) -> Reply:
        name = path.rpartition("/")[2]
        if name not in self.books:
            return Reply(404, b'{"error":"NOT_FOUND","message":"valid product_id is required"}')
        book = self.books[name]
        product = {
            "product_id": name,
            "base_increment": str(book.lot),
            "quote_increment": str(book.tick),
            "price_increment": str(book.tick),
            "status": "online",
        }
        return Reply(200, json.dumps(product).encode())

    def heard(self, session: Session, text: str) -> None:
        asked = json.loads(text)
        channel = asked["channel"]
        for name in asked.get("product_ids", [""]):
            if asked["type"] == "unsubscribe":
                session.subscribed.discard((channel, name))
            else:
                session.subscribed.add((channel, name))
        self._send(session, "subscriptions", [{"subscriptions": {}}])
        if asked["type"] == "unsubscribe" or channel == "heartbeats":
            return
        for name in asked["product_ids"]:
            book = self.books[name]
            if channel == "market_trades":
                self._send(
                    session, channel, [self._trades(book, "snapshot", [(book.trade_id, 0, 10_000, 5)])]
                )
            elif self.old_snapshots and name in self.old:
                self.old_snapshots -= 1
                event, at = self.old[name]
                self._send(session, "l2_data", [event], at=at)
            else:
                self._send(session, "l2_data", [self._book(book, "snapshot", self._all(book))])

    def state(self, book: TruthBook) -> object:
        return self._book(book, "snapshot", self._all(book)), self.now

    def moved(self, book: TruthBook, changes: list[tuple[int, int, int]]) -> None:
        if not changes:
            return
        if self.is_wrong_now():
            changes = [*changes, (0, book.levels(1)[1][0][0] + 2, 9)]  # a bid above the best ask
        for session in tuple(self.sessions):
            if ("level2", book.name) in session.subscribed:
                self._send(session, "l2_data", [self._book(book, "update", changes)], is_book=True)

    def traded(self, book: TruthBook, trade_id: int, side: int, price: int, qty: int) -> None:
        for session in tuple(self.sessions):
            if ("market_trades", book.name) in session.subscribed:
                event = self._trades(book, "update", [(trade_id, side, price, qty)])
                self._send(session, "market_trades", [event])

    def beat(self) -> None:
        self.beats += 1
        for session in tuple(self.sessions):
            if ("heartbeats", "") in session.subscribed:
                self._send(session, "heartbeats", [{"heartbeat_counter": str(self.beats)}])

    def _all(self, book: TruthBook) -> list[tuple[int, int, int]]:
        return [(side, p, q) for side, levels in enumerate(book.levels()) for p, q in levels]

    def _book(self, book: TruthBook, kind: str, changes: list[tuple[int, int, int]]) -> dict[str, object]:
        updates = [
            {
                "side": ("bid", "offer")[side],
                "event_time": "1970-01-01T00:00:00Z",
                "price_level": book.price(price),
                "new_quantity": book.qty(qty),
            }
            for side, price, qty in changes
        ]
        return {"type": kind, "product_id": book.name, "updates": updates}

    def _trades(
        self, book: TruthBook, kind: str, trades: list[tuple[int, int, int, int]]
    ) -> dict[str, object]:
        made = [
            {
                "trade_id": str(trade_id),
                "product_id": book.name,
                "price": book.price(price),
                "size": book.qty(qty),
                "side": ("SELL", "BUY")[side],  # of the maker
                "time": self.time_text(),
            }
            for trade_id, side, price, qty in trades
        ]
        return {"type": kind, "trades": made}

    def _send(
        self,
        session: Session,
        channel: str,
        events: list[object],
        *,
        is_book: bool = False,
        at: int | None = None,
    ) -> None:
        session.sequence += 1
        message = {
            "channel": channel,
            "client_id": "",
            "timestamp": time_text(self.wall + (self.now if at is None else at)),
            "sequence_num": session.sequence,
            "events": events,
        }
        session.send(json.dumps(message), is_book=is_book)
