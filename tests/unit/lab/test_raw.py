import asyncio
import resource

import pytest
from support.waiting import until

from rtlab.errors import StoreError
from rtlab.lab.raw import RawKeeper, RawLimits
from rtlab.lab.recording import target_of
from rtlab.store import Store

QUICK = RawLimits(flush_s=0.005)


def rows_of(folder, venue="kraken"):
    with Store(folder) as store:
        return [tuple(row.values()) for row in store.read("raw", venue).to_pylist()]


def give(raw, first, count):
    for number in range(first, first + count):
        raw.keep(1000 + number, "wss://venue/ws", b'{"n": %d}\xff' % number)


def wanted(count):
    return [(n + 1, 1000 + n, "wss://venue/ws", b'{"n": %d}\xff' % n) for n in range(count)]


async def test_messages_are_read_as_they_came_while_they_are_kept_and_after(tmp_path):
    async with RawKeeper(target_of(tmp_path), "kraken", limits=QUICK) as raw:
        for first in range(0, 50, 10):
            give(raw, first, 10)
            await until(lambda: raw.statistics().waiting == 0)
            assert await asyncio.to_thread(rows_of, tmp_path) == wanted(first + 10)
        give(raw, 50, 5)  # they are on their way when it ends
    told = raw.statistics()
    assert (told.safe, told.safe_bytes) == (55, sum(len(row[3]) for row in wanted(55)))
    assert await asyncio.to_thread(rows_of, tmp_path) == wanted(55)
    assert not list(tmp_path.rglob("*.arrows"))  # all of it is in files
    with Store(tmp_path) as store:
        assert [row["ts"] for row in store.read("raw", "kraken", 1010, 1013).to_pylist()] == [
            1010,
            1011,
            1012,
        ]
        assert store.read("raw", "kraken", columns=["payload"]).num_columns == 1


async def test_a_second_session_goes_on_and_large_tails_become_files(tmp_path):
    limits = QUICK._replace(roll_bytes=1)
    for first in (0, 20):
        async with RawKeeper(target_of(tmp_path), "kraken", limits=limits) as raw:
            give(raw, first, 20)
            await until(lambda: raw.statistics().waiting == 0)
    files = list(tmp_path.rglob("channel=raw/**/*.parquet"))
    assert sorted(one.name for one in files) == ["1-20.parquet", "21-40.parquet"]
    assert rows_of(tmp_path) == wanted(40)


async def test_an_old_tail_becomes_a_file(tmp_path):
    async with RawKeeper(target_of(tmp_path), "kraken", limits=QUICK._replace(roll_s=0.0)) as raw:
        give(raw, 0, 3)
        await until(lambda: list(tmp_path.rglob("1-3.parquet")))


async def test_when_the_disk_takes_nothing_they_wait_up_to_the_bound_and_what_is_dropped_is_told(
    tmp_path, caplog
):
    kept = 3 + 5 + 5  # of 9 bytes each, then of 10
    async with RawKeeper(target_of(tmp_path), "kraken", limits=QUICK._replace(most_bytes=100)) as raw:
        give(raw, 0, 3)
        await until(lambda: raw.statistics().safe == 3)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))  # no file of this process may grow
        try:
            give(raw, 3, 5)
            await until(lambda: raw.statistics().blocked > 1)
            give(raw, 8, 50)
            told = raw.statistics()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (told.safe, told.waiting, told.dropped) == (3, kept - 3, 58 - kept)
        assert told.waiting_bytes <= 100
        await until(lambda: raw.statistics().waiting == 0)
    assert rows_of(tmp_path) == wanted(kept)
    assert "raw messages wait for the disk" in caplog.text
    assert "raw messages are dropped" in caplog.text
    assert raw.statistics().safe == kept


async def test_what_a_failed_write_wrote_all_the_same_is_not_written_again(tmp_path):
    async with RawKeeper(target_of(tmp_path), "kraken", limits=RawLimits(flush_s=60)) as raw:
        give(raw, 0, 4)
        writer, fsync = raw._writer, raw._writer.append

        def fails(rows):
            fsync(rows)
            writer.close()
            raise OSError(5, "Input/output error")

        writer.append = fails
        assert not await asyncio.to_thread(raw._write, raw._waiting[:], False)
        assert raw.statistics().waiting == 4
    assert rows_of(tmp_path) == wanted(4)


async def test_one_venue_has_one_keeper_and_each_venue_its_own(tmp_path):
    async with RawKeeper(target_of(tmp_path), "kraken", limits=QUICK) as raw:
        give(raw, 0, 2)
        async with RawKeeper(target_of(tmp_path), "binance", limits=QUICK) as other:
            give(other, 0, 3)
        with pytest.raises(StoreError, match="another process writes raw of kraken"):
            await RawKeeper(target_of(tmp_path), "kraken").__aenter__()
    assert (len(rows_of(tmp_path)), len(rows_of(tmp_path, "binance"))) == (2, 3)
