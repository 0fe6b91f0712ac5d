import asyncio

import pytest
from support.session import STEP_NS, session
from support.waiting import until

from rtlab.book import TapeView
from rtlab.client import connect
from rtlab.config import Settings
from rtlab.errors import ConfigError
from rtlab.lab.playing import PlayClock, Player, chunks
from rtlab.lab.session import RecordedSession

BTC = "BTC-USD"
SETTINGS = Settings(port=0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    return folder, session(folder)


@pytest.fixture
def one(recorded):
    with RecordedSession(recorded[0]) as opened:
        yield opened


def test_a_moment_is_due_when_so_much_of_the_market_has_passed():
    clock = PlayClock(2.0)
    clock.begin(0, 100.0)
    assert clock.due_in(4_000_000_000, 100.0) == 2.0
    assert clock.due_in(4_000_000_000, 101.5) == 0.5
    assert clock.due_in(4_000_000_000, 102.1) == 0.0


def test_a_clock_that_falls_behind_does_not_rush_after_it():
    clock = PlayClock()
    clock.begin(0, 0.0)
    assert clock.due_in(1_000_000_000, 11.0) == 0.0
    assert clock.slipped_s == 10.0
    assert clock.due_in(2_000_000_000, 11.0) == 1.0


def test_as_fast_as_possible_is_always_due_and_a_held_clock_never():
    clock = PlayClock(None)
    assert clock.due_in(10**18, 0.0) == 0.0
    clock.held = True
    assert clock.due_in(0, 0.0) == float("inf")


def test_a_change_of_speed_counts_from_its_moment():
    clock = PlayClock(1.0)
    clock.begin(0, 0.0)
    clock.set(10.0, 5_000_000_000, 5.0)
    assert clock.due_in(6_000_000_000, 5.0) == pytest.approx(0.1)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(ConfigError, match="above 0"):
        PlayClock(speed)
    with pytest.raises(ConfigError, match="above 0"):
        PlayClock().set(speed, 0, 0.0)


def test_moves_of_one_window_are_one_chunk_and_none_is_lost():
    moves = [(ts, BTC, None) for ts in (0, 1, 4, 5, 11, 11, 30)]
    cut = list(chunks(iter(moves), 5))
    assert [ts for ts, _ in cut] == [4, 5, 11, 30]
    assert [move for _, chunk in cut for move in chunk] == moves
    assert list(chunks(iter([]), 5)) == []


async def test_a_reader_gets_the_whole_session_and_its_notes_are_told(recorded, one):
    told = []
    one.note("in the middle", one.start + 30 * STEP_NS)
    player = Player(one, SETTINGS, speed=None, on_note=told.append)
    async with player, connect(player.gateway.url) as client:
        book = await client.ready(client.subscribe("book", BTC))
        await player.run()
        was = recorded[1].market.book(BTC)
        await until(lambda: book.view.seq == was.seq)
        assert (book.view.bids(), book.view.asks()) == (was.bids(), was.asks())
        assert client.statistics().reader.gaps == 0
    assert [note.text for note in told] == ["in the middle"]
    assert player.statistics().ts == one.end


async def test_after_a_seek_readers_stand_at_that_moment_and_have_nothing_of_before(recorded, one):
    made = recorded[1]
    async with Player(one, SETTINGS, speed=None, end=one.start + 100 * STEP_NS) as player:
        running = asyncio.create_task(player.run(stay=True))
        async with connect(player.gateway.url) as client:
            book = await client.ready(client.subscribe("book", BTC))
            tape = await client.ready(client.subscribe("trades", BTC, depth=1000))
            await until(lambda: player.ts == one.start + 99 * STEP_NS)
            player.hold()
            back = one.start + 10 * STEP_NS
            player.seek(back)
            await until(lambda: player.statistics().seeks == 1)
            player.go_on()
            epoch = player.market.epoch
            await until(lambda: player.ts == one.start + 99 * STEP_NS and book.view.epoch == epoch)
            ours = player.market.book(BTC)
            await until(lambda: book.view.seq == ours.seq)
            await until(lambda: tape.view.seq == player.market.state(BTC).tape.seq)
            changes = sum(1 for row in made.book if row[2] <= player.ts)
            assert (book.view.bids(), book.view.asks()) == made.books[changes]
            view = tape.view
            assert isinstance(view, TapeView)
            assert min(row[0] for row in view.rows) > back
            assert client.statistics().reader.gaps == 0
        running.cancel()


async def test_a_held_replay_stands_still_until_it_is_told_to_go_on(one):
    async with Player(one, SETTINGS, speed=None) as player:
        player.hold()
        running = asyncio.create_task(player.run())
        await asyncio.sleep(0)
        assert player.statistics().moves == 0
        player.go_on()
        await asyncio.wait_for(running, 20)
        assert player.ts == one.end


async def test_a_new_speed_counts_at_once(one):
    async with Player(one, SETTINGS, speed=0.001) as player:
        running = asyncio.create_task(player.run())
        await until(lambda: player.statistics().moves > 0)
        player.set_speed(None)
        await asyncio.wait_for(running, 20)
        assert player.ts == one.end


async def test_a_moment_outside_of_the_session_is_an_error_that_says_what_there_is(one):
    with pytest.raises(ConfigError, match="no such moment"):
        Player(one, SETTINGS, start=one.end + 1)
    player = Player(one, SETTINGS)
    with pytest.raises(ConfigError, match=str(one.start)):
        player.seek(one.start - 1)
    assert player.statistics().seeks == 0
