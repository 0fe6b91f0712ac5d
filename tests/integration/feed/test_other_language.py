"""A reader in JavaScript, written from WIRE.md alone, follows a recorded market and ends with the same state."""

import asyncio
from typing import Any

import pytest
from support.javascript import JavaScriptReader
from support.recorded import recorded

from rtlab.book import WHOLE
from rtlab.book.market import Market
from rtlab.feed import Gateway
from rtlab.model import DepthSnapshot, DepthUpdate, Side, VenueTrade
from rtlab.sources import Binance, open_source

pytestmark = pytest.mark.recorded

FILES = {"usdm": "binance/usdm_btcusdt_20240808.gz", "spot": "binance/spot_ethusdt_20240808.gz"}
DEPTHS = (10, 100, None)
SECOND = 1_000_000_000
EPOCH = 1_723_161_600_000


class Recorded:
    """A recording that is played into a gateway, a part at a time."""

    def __init__(self, name: str) -> None:
        source = open_source(recorded(FILES[name]))
        assert isinstance(source, Binance)
        self.symbol = source.instruments[0].symbol
        self.market = Market(source.instruments, EPOCH)
        self.gateway = Gateway(self.market)
        self._chunks = iter(source.chunks(20_000_000))

    async def play(self, chunks: int, *, pause_s: float = 0.0) -> None:
        for _ in range(chunks):
            for message in next(self._chunks)[1]:
                if isinstance(message, DepthUpdate | DepthSnapshot):
                    self.market.apply_depth(self.symbol, message)
                elif isinstance(message, VenueTrade):
                    self.market.apply_trade(message)
            self.gateway.publish()
            await asyncio.sleep(pause_s)

    def change_far_below(self) -> None:
        """Change a level that no cut reaches: those who read less than the whole hear of it by a Ping alone."""
        self.market.book(self.symbol).set_level(Side.BID, 1, 7, 1)
        self.gateway.publish()

    def source(self, wish: dict[str, Any]) -> Any:
        return self.market.source(wish["name"], self.symbol, wish.get("interval", 0))

    def wishes(self) -> list[dict[str, object]]:
        books = [{"name": "book", "instrument": self.symbol, "depth": depth} for depth in DEPTHS]
        return [
            *books,
            {"name": "trades", "instrument": self.symbol, "depth": 100},
            {"name": "ticker", "instrument": self.symbol},
            {"name": "bars", "instrument": self.symbol, "depth": 60, "interval": SECOND},
        ]

    async def caught_up(self, reader: JavaScriptReader, deadline_s: float = 20.0) -> Any:
        """Give what the reader shows when it stands, with everything, at the heads of the market."""
        heads = [(EPOCH, self.source(wish).seq) for wish in self.wishes()]
        async with asyncio.timeout(deadline_s):
            while True:
                shown = await reader.show()
                if [(one["epoch"], one["seq"]) for one in shown["states"]] == heads:
                    return shown
                await asyncio.sleep(0.05)

    def assert_equal(self, states: list[Any]) -> None:
        book = self.market.book(self.symbol)
        for depth, shown in zip(DEPTHS, states, strict=False):
            cut = WHOLE if depth is None else depth
            assert shown["bids"] == [list(level) for level in book.bids(cut)]
            assert shown["asks"] == [list(level) for level in book.asks(cut)]
            assert shown["checksum"] == book.checksum(cut)
            assert len(shown["bids"]) >= (depth or 100)
        trades, ticker, bars = states[len(DEPTHS) :]
        tape = self.source({"name": "trades"})
        assert trades["totals"] == list(tape.totals)
        assert [row[1:] for row in trades["rows"]] == [list(row[1:]) for row in list(tape.rows)[-20:]]
        assert [float(row[0]) for row in trades["rows"]] == [float(row[0]) for row in list(tape.rows)[-20:]]
        assert ticker["row"] == list(self.source({"name": "ticker"}).row[1:])
        rows = self.source({"name": "bars", "interval": SECOND}).rows(60)
        assert [row[1:] for row in bars["bars"]] == [list(row[1:]) for row in rows]
        assert [float(row[0]) for row in bars["bars"]] == [float(row[0]) for row in rows]


async def follow_slowly(played: Recorded, reader: JavaScriptReader) -> None:
    """Let the reader take three messages a second until the server has noticed and merged, then follow again."""
    reader.say("slow 300")
    async with asyncio.timeout(20):
        while "LAGGING" not in {str(one.state) for one in played.gateway.readers()}:
            await played.play(4, pause_s=0.02)
        while not any(one.subscriber.merged for one in played.gateway.readers()):
            await played.play(20, pause_s=0.01)
    reader.say("slow 0")


async def harmed(played: Recorded, reader: JavaScriptReader, word: str, count: str) -> Any:
    """Harm the reader's books until it has noticed, and give what it shows then: a whole book may come before."""
    before = (await reader.show())["counts"][count]
    async with asyncio.timeout(30):
        while True:
            reader.say(word)
            await played.play(100, pause_s=0.01)
            if (shown := await played.caught_up(reader))["counts"][count] > before:
                return shown


@pytest.mark.parametrize("name", ["usdm", pytest.param("spot", marks=pytest.mark.long)])
async def test_a_reader_in_javascript_ends_equal_after_merges_a_cut_a_gap_and_a_wrong_level(name):
    played = Recorded(name)
    async with played.gateway, JavaScriptReader(played.gateway.url, played.wishes()) as reader:
        await played.play(500)
        await played.caught_up(reader)
        await played.play(200, pause_s=0.002)
        first = await played.caught_up(reader)
        played.assert_equal(first["states"])
        assert (first["counts"]["gaps"], first["counts"]["mismatches"]) == (0, 0)

        await follow_slowly(played, reader)
        async with asyncio.timeout(
            20
        ):  # it is told how much was merged when it follows again: after the last message
            while not (merged := await played.caught_up(reader))["counts"]["merged"]:
                await asyncio.sleep(0.05)
        played.assert_equal(merged["states"])
        assert "LAGGING" in merged["statuses"]
        assert (merged["counts"]["gaps"], merged["counts"]["mismatches"]) == (0, 0)

        reader.say("cut 200")
        await played.play(40, pause_s=0.005)
        resumed = await played.caught_up(reader)
        played.assert_equal(resumed["states"])
        assert resumed["counts"]["connections"] == 2
        ways = {
            wish["name"]: one["resumed"] for wish, one in zip(played.wishes(), resumed["states"], strict=True)
        }
        assert ways == {
            "book": 1,
            "trades": 1,
            "ticker": 0,
            "bars": 1,
        }  # the last book, whole; a ticker is told whole
        assert (resumed["counts"]["gaps"], resumed["counts"]["resyncs"]) == (0, 0)

        await harmed(played, reader, "miss", "gaps")
        mended = await harmed(played, reader, "spoil", "mismatches")
        played.assert_equal(mended["states"])
        assert mended["counts"]["resyncs"] >= 2
        assert mended["counts"]["checked"] > 100

        played.change_far_below()
        moved = await played.caught_up(reader)
        played.assert_equal(moved["states"])
        assert moved["counts"]["gaps"] == mended["counts"]["gaps"]
        print(name, mended["counts"], mended["closes"])


async def test_it_follows_the_packed_subprotocol_through_a_cut():
    played = Recorded("spot")
    async with played.gateway, JavaScriptReader(played.gateway.url, played.wishes(), packed=True) as reader:
        await played.play(500)
        await played.caught_up(reader)
        await played.play(100, pause_s=0.002)
        first = await played.caught_up(reader)
        played.assert_equal(first["states"])
        assert first["counts"]["increments"] > 20
        assert (first["counts"]["gaps"], first["counts"]["mismatches"]) == (0, 0)
        assert {one.subprotocol for one in played.gateway.readers()} == {"rtlab.v1.packed"}

        reader.say("cut 50")
        await played.play(20, pause_s=0.005)
        resumed = await played.caught_up(reader)
        played.assert_equal(resumed["states"])
        assert resumed["counts"]["connections"] == 2
        assert (resumed["counts"]["gaps"], resumed["counts"]["resyncs"]) == (0, 0)
