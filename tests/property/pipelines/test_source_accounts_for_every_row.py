"""Whatever comes, in whatever order, and however busy the graph is: every row is emitted once, waits, or is counted."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from support.frames import BTC

from rtlab.pipelines import FrameSource

LIMIT = 6

steps = st.lists(
    st.one_of(
        st.tuples(st.just("rows"), st.integers(0, 15), st.integers(-8, 8)),
        st.tuples(st.just("flush"), st.just(0), st.just(0)),
        st.tuples(st.just("finish"), st.just(0), st.just(0)),
        st.tuples(st.just("epoch"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


def rows(first: int, count: int, epoch: int) -> list[tuple[int, int, int, int]]:
    """Rows that tell by themselves which they are."""
    return [(epoch, seq, 1, 0) for seq in range(first, first + count)]


@settings(deadline=None)
@given(steps, st.booleans())
def test_every_trade_is_emitted_once_or_waits_or_is_counted(script, busy):
    async def played() -> None:
        source = FrameSource(BTC, "trades", limit=LIMIT)
        emitted: list[tuple[int, int]] = []
        gate = asyncio.Semaphore(0)

        async def slow(frame) -> None:
            await gate.acquire()

        source.stream.sink(
            lambda frame: emitted.extend(zip(frame["ts"].tolist(), frame["seq"].tolist(), strict=True))
        )
        source.stream.sink(assert_rows_fit)
        if busy:
            source.stream.sink(slow)
        last, epoch, came, known, missing = None, 1, 0, 0, 0
        for what, count, shift in script:
            if what == "rows":
                first = max(1, (last or 0) + 1 + shift)
                source.on_trades(rows(first, count, epoch), first, epoch=epoch)
                came += count
                if last is not None and count:
                    known += min(count, max(0, last + 1 - first))
                    missing += max(0, first - last - 1)
                if count:
                    last = max(last or 0, first + count - 1)
            elif what == "epoch":
                epoch, last = epoch + 1, None
            elif what == "flush":
                source.flush()
            else:
                gate.release()
                for _ in range(6):
                    await asyncio.sleep(0)
            assert source.statistics().pending <= LIMIT
        statistics = source.statistics()
        assert emitted == sorted(set(emitted))
        assert statistics.rows == len(emitted)
        assert came == statistics.rows + statistics.pending + statistics.dropped + statistics.repeated
        assert (statistics.repeated, statistics.missed) == (known, missing)
        assert busy or statistics.dropped == 0
        assert statistics.errors == 0
        await source.stop()

    asyncio.run(played())


def assert_rows_fit(frame) -> None:
    assert 0 < frame.rows <= LIMIT
    assert frame["ticks"].tolist() == frame["seq"].tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=60), st.booleans())
def test_of_quotes_the_last_is_never_lost(script, busy):
    async def played() -> None:
        source = FrameSource(BTC, "ticker", limit=LIMIT)
        emitted: list[int] = []
        gate = asyncio.Semaphore(0)

        async def slow(frame) -> None:
            await gate.acquire()

        source.stream.sink(lambda frame: emitted.extend(frame["seq"].tolist()))
        if busy:
            source.stream.sink(slow)
        seq = 0
        for action in script:
            if action < 2:
                seq += 1
                source.on_quote(seq, seq, 1, 1, 2, 1)
            elif action == 2:
                source.flush()
            else:
                gate.release()
                for _ in range(6):
                    await asyncio.sleep(0)
        statistics = source.statistics()
        assert emitted == sorted(set(emitted))
        assert seq == statistics.rows + statistics.pending + statistics.merged
        while source.statistics().pending:
            gate.release()
            await asyncio.sleep(0)
            source.flush()
        assert emitted[-1:] == [seq][: bool(seq)]
        await source.stop()

    asyncio.run(played())
