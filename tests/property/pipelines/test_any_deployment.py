"""Tasks that begin, end, lose their lease and fight for it, in any order: the results equal those of one process."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.shards import COINS, Play

from rtlab.embedded import EmbeddedServer
from rtlab.errors import FencedError
from rtlab.pipelines.cluster.keys import keys_of
from rtlab.pipelines.cluster.log import read_numbered
from rtlab.pipelines.cluster.shard import Known, Shard, shard_of

TWO = COINS[:2]


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer() as one:
        yield one


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 3)),
        st.tuples(st.just("begin"), st.integers(0, 2)),
        st.tuples(st.just("turn"), st.integers(0, 2)),
        st.tuples(st.just("kill"), st.integers(0, 2)),
        st.tuples(st.just("steal"), st.integers(0, 1)),
    ),
    max_size=25,
)


class Stage:
    """Three places for tasks, each of which may hold one; turns are taken where they are called."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._at: list[Shard | None] = [None, None, None]
        self.fenced = 0

    def append(self, packs: int) -> None:
        self._play.append(packs * 50, TWO)

    def begin(self, place: int) -> None:
        """A task begins there, whoever else believes to hold the same instruments."""
        self.kill(place)
        self._at[place] = Shard(self._play.task(batch=2), f"place {place}", Known({}, set()), time.sleep)

    def turn(self, place: int) -> None:
        """The task there folds once; a zombie ends."""
        shard = self._at[place]
        if shard is not None:
            left = iter((False, True))
            try:
                reason = shard.run(lambda: next(left))
            except FencedError:
                reason = "fenced"
            if reason != "done":
                self.fenced += 1
                self.kill(place)

    def kill(self, place: int) -> None:
        """The task there is gone, in the middle of whatever it did."""
        shard, self._at[place] = self._at[place], None
        if shard is not None:
            shard.close()

    def steal(self, number: int) -> None:
        """Somebody takes a lease and does nothing with it."""
        self._play.redis.incr(keys_of(self._play.name, TWO[number].symbol).lease)

    def end(self) -> None:
        for place in range(3):
            self.kill(place)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.integers())
def test_whatever_tasks_do_to_each_other_the_results_are_those_of_one_process(server, script, number):
    with Play(server.url, f"any {number} {len(script)}") as play:
        for key in play.redis.scan_iter("*"):
            play.redis.delete(key)
        play.append(50, TWO)
        stage = Stage(play)
        for name, argument in script:
            getattr(stage, name)(argument)
        stage.end()
        play.run()
        play.check()
        positions = [play.redis.hget(keys_of(play.name, one.symbol).checkpoint, "rows") for one in TWO]
        assert [int(rows) for rows in positions] == [len(play.rows[one.symbol]) for one in TWO]


def test_two_that_hold_the_same_instruments_never_both_commit(server):
    with Play(server.url, "both") as play:
        play.append(100, TWO)
        stage = Stage(play)
        stage.begin(0)
        stage.turn(0)
        stage.begin(1)
        stage.turn(1)
        play.append(100, TWO)
        stage.turn(0)
        assert stage.fenced == 1
        stage.turn(1)
        stage.end()
        play.run()
        play.check()


@given(st.integers(1, 500), st.integers(1, 64))
def test_no_shard_has_more_than_one_instrument_more_than_another(instruments, shards):
    held = [0] * shards
    for number in range(instruments):
        held[shard_of(number, shards)] += 1
    assert max(held) - min(held) <= 1


def test_instruments_keep_their_numbers(server):
    with Play(server.url, "numbers") as play:
        play.append(50)
        play.append(50, COINS[::-1])
        with Play(server.url, "numbers") as other:
            other.append(50, COINS[::2])
        numbered = read_numbered(play.redis, "numbers")
        assert {symbol: number for symbol, (_, number) in numbered.items()} == {
            one.symbol: number for number, one in enumerate(COINS)
        }
        assert numbered["BTC-USD"][0] == COINS[0]
