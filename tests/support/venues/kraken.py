"""A loopback Kraken, WebSocket v2: `instrument`, `book` with its checksum, `trade`, `heartbeat`, `status`, ping."""

import json
from zlib import crc32

from support.venues.session import Session
from support.venues.truth import Levels, TruthBook
from support.venues.venue import LoopbackVenue, Reply


class LoopbackKraken(LoopbackVenue):
    depth = 10

    def __init__(self, books: list[TruthBook]) -> None:
        super().__init__(books)
        self.busy: set[int] = set()  # sessions that something else was sent to in this second

    def greet(self, session: Session) -> None:
        session.send(
            '{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":1,'
            '"system":"online","version":"2.0.0"}]}'
        )

    def answer(self, path: str) -> Reply:
        """Answer as the older interface by HTTP does, which ccxt asks for what is traded."""
        if path.startswith("/0/public/Assets"):
            found: dict[str, object] = {
                name: {"aclass": "currency", "altname": name, "decimals": 10, "status": "enabled"}
                for name in {part for one in self.books for part in one.split("/")}
            }
        else:
            found = {one.replace("/", ""): self._asset_pair(book) for one, book in self.books.items()}
        return Reply(200, json.dumps({"error": [], "result": found}).encode())

    def _asset_pair(self, book: TruthBook) -> dict[str, object]:
        base, quote = book.name.split("/")
        return {
            "altname": base + quote,
            "wsname": book.name,
            "base": base,
            "quote": quote,
            "pair_decimals": 1,
            "lot_decimals": -int(book.lot.as_tuple().exponent),
            "tick_size": str(book.tick),
            "fees": [[0, 0.4]],
            "fees_maker": [[0, 0.25]],
            "ordermin": "0.01",
            "costmin": "0.5",
            "status": "online",
        }

    def heard(self, session: Session, text: str) -> None:
        asked = json.loads(text)
        if asked["method"] == "ping":
            session.send('{"method":"pong","time_in":"2023-09-24T14:10:23.799685Z"}')
            return
        params = asked["params"]
        if params["channel"] == "instrument":
            session.send(self._instruments())
            return
        for name in params["symbol"]:
            self._subscribed(session, asked["method"], params["channel"], name)

    def _subscribed(self, session: Session, method: str, channel: str, name: str) -> None:
        if name not in self.books:
            error = f"Currency pair not supported {name}"
            session.send(json.dumps({"method": method, "success": False, "symbol": name, "error": error}))
            return
        if method == "unsubscribe":
            session.subscribed.discard((channel, name))
            session.send(json.dumps({"method": method, "success": True, "result": {"channel": channel}}))
            return
        session.subscribed.add((channel, name))
        session.send(
            json.dumps({"method": method, "success": True, "result": {"channel": channel, "symbol": name}})
        )
        book = self.books[name]
        if channel == "trade":
            session.send(self._trade_payload(book, book.trade_id, 0, 10_000, 5, kind="snapshot"))
            return
        bids, asks = book.levels(self.depth)
        if self.old_snapshots and name in self.old:
            self.old_snapshots -= 1
            session.send(str(self.old[name]))
        else:
            session.send(self._book_payload(book, "snapshot", bids, asks))
        session.seen[name] = (dict(bids), dict(asks))

    def state(self, book: TruthBook) -> str:
        return self._book_payload(book, "snapshot", *book.levels(self.depth))

    def moved(self, book: TruthBook, changes: list[tuple[int, int, int]]) -> None:
        top = [dict(side) for side in book.levels(self.depth)]
        for session in tuple(self.sessions):
            if ("book", book.name) not in session.subscribed:
                continue
            sides: list[Levels] = []
            for before, now, all_of_it in zip(session.seen[book.name], top, book.sides, strict=True):
                gone = [(price, 0) for price in before if price not in all_of_it]
                sides.append(gone + [(p, q) for p, q in now.items() if before.get(p) != q])
            session.seen[book.name] = (dict(top[0]), dict(top[1]))
            if sides[0] or sides[1]:
                self.busy.add(id(session))
                payload = self._book_payload(book, "update", *sides, is_wrong=self.is_wrong_now())
                session.send(payload, is_book=True)

    def traded(self, book: TruthBook, trade_id: int, side: int, price: int, qty: int) -> None:
        for session in tuple(self.sessions):
            if ("trade", book.name) in session.subscribed:
                session.send(self._trade_payload(book, trade_id, side, price, qty))

    def beat(self) -> None:
        for session in tuple(self.sessions):
            if id(session) not in self.busy:
                session.send('{"channel":"heartbeat"}')
        self.busy.clear()

    def _book_payload(
        self, book: TruthBook, kind: str, bids: Levels, asks: Levels, *, is_wrong: bool = False
    ) -> str:
        sides = ",".join(
            f'"{name}":[{",".join(self._level(book, price, qty) for price, qty in levels)}]'
            for name, levels in (("bids", bids), ("asks", asks))
        )
        check = checksum_of(book) ^ is_wrong
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{book.name}",{sides},'
            f'"checksum":{check},"timestamp":"{self.time_text()}"}}]}}'
        )

    def _level(self, book: TruthBook, price: int, qty: int) -> str:
        # numbers, with all their digits; a small quantity may come with an exponent
        text = f"{qty}e-3" if qty and qty % 7 == 0 and book.lot.as_tuple().exponent == -3 else book.qty(qty)
        return f'{{"price":{book.price(price)},"qty":{text if qty else 0}}}'

    def _trade_payload(
        self, book: TruthBook, trade_id: int, side: int, price: int, qty: int, kind: str = "update"
    ) -> str:
        return (
            f'{{"channel":"trade","type":"{kind}","data":[{{"symbol":"{book.name}",'
            f'"side":"{("buy", "sell")[side]}","price":{book.price(price)},"qty":{book.qty(qty)},'
            f'"ord_type":"market","trade_id":{trade_id},"timestamp":"{self.time_text()}"}}]}}'
        )

    def _instruments(self) -> str:
        pairs = ",".join(
            f'{{"symbol":"{one.name}","status":"online","price_precision":1,"price_increment":{one.tick},'
            f'"qty_precision":{-int(one.lot.as_tuple().exponent)},"qty_increment":{one.lot},"qty_min":0.5}}'
            for one in self.books.values()
        )
        return f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[],"pairs":[{pairs}]}}}}'


def checksum_of(book: TruthBook) -> int:
    """Give the CRC32 as the guide describes it, by texts: the point and leading zeros go."""
    bids, asks = book.levels(10)
    texts = [text for p, q in asks + bids for text in (book.price(p), book.qty(q))]
    return crc32("".join(text.replace(".", "").lstrip("0") for text in texts).encode())
