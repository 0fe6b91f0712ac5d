"""Replay a recorded session through a socket, and judge what came of it against what the folder says."""

import asyncio
import time
from collections.abc import Callable

from rtlab.book import BookView
from rtlab.client import Client, connect
from rtlab.config import Settings
from rtlab.errors import UnreachableError
from rtlab.lab.analysed import BATCH, Analyst, Results, digest
from rtlab.lab.playing import Player
from rtlab.lab.replay import Verdict
from rtlab.lab.server import until_ended
from rtlab.lab.session import RecordedSession
from rtlab.protocol import Subscription

PATIENCE_S = 30.0


async def verified(
    session: RecordedSession,
    settings: Settings,
    *,
    speed: float | None,
    ended: asyncio.Event,
    batch: int = BATCH,
    on_ready: Callable[[str], None] = lambda url: None,
) -> Verdict:
    """Check the files' checksums, replay all, and compare: a reader's books with ours, ours with the stored ones.

    The verdict's last line is the digest of the analytics, which anybody who replays the same session gets. One that
    `ended` cut short does not hold.
    """
    files = await asyncio.to_thread(session.store.check)
    analyst = Analyst(session.instruments.values(), batch=batch)
    began = time.monotonic()
    async with Player(session, settings, speed=speed) as player:
        player.market.on_step = analyst.on_step
        on_ready(player.gateway.url)
        async with connect(player.gateway.url) as client:
            books = {symbol: client.subscribe("book", symbol) for symbol in session.instruments}
            for book in books.values():
                await client.ready(book)
            await until_ended(player.run(), ended)
            if ended.is_set():
                return Verdict(
                    False,
                    [f"ended after {player.statistics().moves:,} moves, before the session was"],
                    is_whole=False,
                )
            await _caught_up(player, client, books)
            wrong = _differences(session, player, books)
            reader = client.statistics().reader
    moves, seconds = player.statistics().moves, time.monotonic() - began
    lines = [
        f"{moves:,} moves in {seconds:.1f} s, {files} files as their checksums say",
        f"reader: {reader.messages:,} messages, {reader.gaps} gaps, {reader.resyncs} resyncs, "
        f"{reader.checksum_failures} checksum failures",
        *(wrong or ["books at the end: the reader's equal to the server's, the server's to the stored ones"]),
        *_told(analyst.finish()),
    ]
    return Verdict(not wrong and not reader.gaps and not reader.checksum_failures, lines)


def _told(results: Results) -> list[str]:
    rows = sum(frame.rows for outputs in results.values() for frame in outputs.values())
    outputs = sum(map(len, results.values()))
    return [f"analytics: {outputs} outputs, {rows:,} rows", f"digest: {digest(results)}"]


def _view(subscription: Subscription) -> BookView:
    view = subscription.view
    assert isinstance(view, BookView)
    return view


async def _caught_up(player: Player, client: Client, books: dict[str, Subscription]) -> None:
    news = asyncio.Event()
    client.on_applied(lambda applied: news.set())
    try:
        async with asyncio.timeout(PATIENCE_S):
            for symbol, one in books.items():
                while _view(one).seq < player.market.book(symbol).seq:
                    news.clear()
                    await news.wait()
    except TimeoutError:
        raise UnreachableError(f"the reader stands still for {PATIENCE_S:g} s") from None


def _differences(session: RecordedSession, player: Player, books: dict[str, Subscription]) -> list[str]:
    wrong = []
    for symbol, subscription in books.items():
        ours, view = player.market.book(symbol), _view(subscription)
        kept = session.store.book(symbol, at=session.end)
        if (view.bids(), view.asks()) != (ours.bids(), ours.asks()):
            wrong.append(f"{symbol}: the reader's book is DIFFERENT from the server's at {ours.seq:,}")
        if (kept.bids, kept.asks) != (ours.bids(), ours.asks()):
            wrong.append(f"{symbol}: the server's book is DIFFERENT from the stored one at {kept.seq:,}")
    return wrong
