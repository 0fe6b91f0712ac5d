import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support import crashing
from support.cluster import wait
from support.frames import BTC, random_trades
from support.shards import COINS, Play, analytics

from rtlab.pipelines import Graph
from rtlab.pipelines.cluster.keys import beats_key, keys_of, plan_key
from rtlab.pipelines.cluster.log import connect
from rtlab.pipelines.cluster.shard import ATTEMPTS, SETTLE_S, Beat, PoisonError, run_shard, shard_of


def test_instruments_are_dealt_out_in_turn():
    assert [shard_of(number, 4) for number in range(6)] == [0, 1, 2, 3, 0, 1]


def test_one_task_folds_everything_as_one_process_would(play):
    play.append(2000)
    assert play.run() == "done"
    play.check()


def test_a_task_goes_on_where_another_ended_in_any_batches(play):
    for batch in (1, 7, 32):
        play.append(1000)
        play.run(play.task(batch=batch))
    play.check()


def test_shards_share_the_instruments_out(play):
    play.append(500)
    for shard in (0, 1, 2):
        mine = [one.symbol for number, one in enumerate(COINS) if shard_of(number, 3) == shard]
        ids = {
            symbol: play.redis.xinfo_stream(keys_of(play.name, symbol).log)["last-generated-id"]
            for symbol in mine
        }

        def is_folded(ids=ids) -> bool:
            return all(
                play.redis.hget(keys_of(play.name, symbol).checkpoint, "id") == at
                for symbol, at in ids.items()
            )

        play.run(play.task(shard, 3), is_folded)
    play.check()


def test_a_task_that_lost_its_lease_is_refused_and_changes_nothing(play):
    play.append(200)
    thread, ended, stop = play.beside(play.task())
    play.wait()
    zombie, *_ = thread, ended, stop
    play.run(play.task(), lambda: True)  # takes no lease: it ends at once
    for one in COINS:
        play.redis.incr(keys_of(play.name, one.symbol).lease)
    play.append(200)
    zombie.join(20)
    assert ended == ["fenced"]
    play.run()
    play.check()


def test_two_tasks_for_the_same_shard_end_as_one(play):
    play.append(300)
    first = play.beside(play.task())
    play.wait()  # two that begin at the same moment may refuse each other: then `tend` begins anew
    second = play.beside(play.task())
    for _ in range(5):
        play.append(200)
    play.wait()
    for thread, _, stop in (first, second):
        stop.set()
        thread.join(20)
    assert sorted(one for _, ended, _ in (first, second) for one in ended)[-1] in ("done", "fenced")
    play.check()


def test_cut_connections_lose_and_repeat_nothing(play):
    play.append(100)
    thread, ended, stop = play.beside(play.task(batch=2))
    for _ in range(10):
        play.append(100)
        for client in play.redis.client_list():
            if client["id"] not in (str(play.redis.client_id()),):
                play.redis.execute_command("CLIENT", "KILL", "ID", client["id"])
        play.log._redis.connection_pool.disconnect()
    play.wait()
    stop.set()
    thread.join(20)
    assert ended == ["done"]
    play.check()


def cut(play: Play, of_pid: int) -> None:
    """Cut the connections of the tasks of a process, as soon as there is one."""
    cut_off = []

    def some_are_cut() -> bool:
        for client in play.redis.client_list():
            if client["name"] == f"rtlab-shard-0-pid-{of_pid}":
                play.redis.execute_command("CLIENT", "KILL", "ID", client["id"])
                cut_off.append(client["id"])
        return bool(cut_off)

    wait(some_are_cut)


@pytest.mark.parametrize("there_is_another", [False, True])
def test_a_task_that_lost_redis_comes_back_only_where_nobody_took_its_lease(play, there_is_another):
    play.append(100)
    thread, ended, stop = play.beside(play.task())
    play.wait()
    leases = [keys_of(play.name, one.symbol).lease for one in COINS]
    if there_is_another:
        with play.redis.pipeline(transaction=True) as at_once:
            for lease in leases:
                at_once.incr(lease)
            at_once.execute()
    before = play.redis.mget(leases)
    cut(play, os.getpid())
    play.append(100)
    if there_is_another:
        thread.join(20)
        assert ended == ["fenced"]
        assert play.redis.mget(leases) == before  # it has taken nothing from the other one
        play.run()
    else:
        play.wait()
        stop.set()
        thread.join(20)
        assert ended == ["done"]
    play.check()


def test_the_pause_after_a_loss_doubles_and_is_short_again_once_something_was_committed(play):
    play.append(100)
    nobody = connect("redis://127.0.0.1:1")  # no Redis listens there: asking it fails as a lost one does
    pauses, losses_first, lost_again = [], 7, []

    def until() -> bool:
        if len(pauses) < losses_first:
            nobody.ping()
        if not play.is_done():
            return False
        if len(lost_again) < 2:  # once after the commits, and once more without any
            lost_again.append(True)
            nobody.ping()
        return True

    assert run_shard(play.task(), "here", until, pauses.append) == "done"
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 0.05, 0.1]
    play.check()


def test_who_was_fenced_or_superseded_says_nothing_of_how_the_shard_stands(play):
    play.append(100)
    play.run()
    said = play.redis.hgetall(beats_key(play.name))
    thread, ended, _ = play.beside(play.task())
    wait(lambda: play.redis.hgetall(beats_key(play.name)) != said)
    play.redis.hset(plan_key(play.name), "generation", 9)
    said = msgspec.msgpack.decode(play.redis.hget(beats_key(play.name), "0"), type=Beat)
    thread.join(20)
    assert ended == ["superseded"]
    now = msgspec.msgpack.decode(play.redis.hget(beats_key(play.name), "0"), type=Beat)
    assert (said.said, now.said) == ("folding", "folding")


def poisoned(stream):
    def burst(frame):
        if (frame["lots"] == 666_666).any():
            raise ValueError("the number of the beast")
        return frame

    return {"vwap": stream.map(burst).vwap(), "bars": stream.bars("1s")}


def run_until_done(play: Play) -> list[str]:
    """Start a task again whenever one ends by an error, as Dask would."""
    said = []
    for _ in range(50):
        try:
            play.run()
            return said
        except PoisonError as problem:
            said.append(str(problem))
    raise AssertionError(said)


def test_a_poison_row_is_put_aside_after_so_many_attempts_and_the_log_goes_on(server):
    with Play(server.url, "poison", Graph(poisoned)) as play:
        play.append(500, [BTC])
        bad = random_trades(9, 50)
        bad[17, 2] = 666_666
        play.log.append(BTC, 501, bad)
        play.append(500, [BTC])
        said = run_until_done(play)
        assert len(said) == ATTEMPTS
        assert "the number of the beast" in said[0]
        ((entry, reason),) = play.log.dead("BTC-USD")
        assert "3 attempts at it ended their task" in reason
        assert "the number of the beast" in reason
        assert np.frombuffer(entry, np.uint8).size > 1600
        expected, state = play.truth("BTC-USD")
        assert play.log.state("BTC-USD") == state
        assert play.log.results("BTC-USD", "bars")["trades"].sum() == 1000


class Disturbed:
    """A graph that folds well, while something of no concern to the rows happens in the midst of it, so often."""

    def __init__(self, play: Play, disturb, times: int) -> None:
        self.left, self._disturb = times, disturb
        play.graph = Graph(self.build)

    def build(self, stream):
        return {"vwap": stream.map(self.pass_on).vwap(), "bars": stream.bars("1s")}

    def pass_on(self, frame):
        if self.left:
            self.left -= 1
            self._disturb()
        return frame


def check_nothing_was_put_aside(play: Play) -> None:
    assert play.log.dead("BTC-USD") == []
    assert int(play.redis.hget(keys_of(play.name, "BTC-USD").checkpoint, "attempts")) == 0
    play.check()


def test_an_entry_is_not_put_aside_because_its_tasks_lost_their_leases(play):
    play.append(200, [BTC])
    lease = keys_of(play.name, "BTC-USD").lease
    disturbed = Disturbed(play, lambda: play.redis.incr(lease), 2 * ATTEMPTS)
    assert [play.run() for _ in range(2 * ATTEMPTS + 1)] == ["fenced"] * 2 * ATTEMPTS + ["done"]
    assert disturbed.left == 0
    check_nothing_was_put_aside(play)


def test_an_entry_is_not_put_aside_because_its_task_lost_redis(play):
    play.append(200, [BTC])

    def lose() -> None:
        play.redis.config_set("maxclients", 1)  # who is cut off cannot come back
        cut(play, os.getpid())

    disturbed, losses = Disturbed(play, lose, 2 * ATTEMPTS), []

    def sleep(seconds: float) -> None:
        losses.append(seconds)
        play.redis.config_set("maxclients", 10_000)

    assert play.run(sleep=sleep) == "done"
    assert (disturbed.left, len(losses)) == (0, 2 * ATTEMPTS)
    check_nothing_was_put_aside(play)


def test_an_entry_is_not_put_aside_before_who_was_refused_could_take_back_its_attempt(play):
    play.append(200, [BTC])
    checkpoint = keys_of(play.name, "BTC-USD").checkpoint
    play.redis.hset(checkpoint, "attempts", ATTEMPTS)  # of tasks that live, and are about to be refused
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        play.redis.hset(checkpoint, "attempts", 1)

    assert play.run(sleep=sleep) == "done"
    assert waited == [SETTLE_S]
    check_nothing_was_put_aside(play)


@pytest.mark.parametrize("entry", [{"d": b"no rows at all"}, {"x": b"1"}])
def test_an_entry_that_is_damaged_is_put_aside_too(server, entry):
    with Play(server.url, f"damaged{list(entry)}") as play:
        play.append(100, [BTC])
        play.redis.xadd(keys_of(play.name, "BTC-USD").log, entry)
        play.append(100, [BTC])
        assert "damaged" in run_until_done(play)[0]
        assert len(play.log.dead("BTC-USD")) == 1
        play.check()


def test_a_task_ends_when_the_plan_changes_or_says_stop(play):
    play.append(100)
    for fields, reason in (({"generation": 2}, "superseded"), ({"generation": 1, "stopped": 1}, "stopped")):
        play.redis.hset(plan_key(play.name), mapping=fields)
        assert run_shard(play.task(), "here", lambda: False) == reason


def test_a_redis_that_takes_nothing_is_waited_for(server, caplog):
    with Play(server.url, "oom") as play:
        play.append(500)
        client = connect(server.url)
        client.config_set("maxmemory", "1mb")
        thread, ended, stop = play.beside(play.task())
        wait(lambda: "shard 0 of oom: Redis takes nothing" in caplog.text)
        assert not play.is_done()
        client.config_set("maxmemory", "0")
        play.wait()
        stop.set()
        thread.join(20)
        client.close()
        play.check()


def test_results_and_log_are_bounded(server):
    with Play(server.url, "bounded", kept=10) as play:
        play.append(20_000, [BTC])
        keys = keys_of(play.name, "BTC-USD")
        entries = play.redis.xlen(keys.log)
        play.run(play.task(batch=1))
        assert play.redis.xlen(keys.results) < 250
        assert play.redis.xlen(keys.log) < 250
        cut = int(play.redis.hget(keys.checkpoint, "cut"))
        assert cut > 0
        assert cut + play.redis.xlen(keys.results) == entries  # each made results, and what left is counted
        assert Graph(analytics).begin(BTC, play.log.state("BTC-USD")).outputs["vwap"].fold._lots > 0


def test_a_row_that_kills_its_process_is_put_aside_too(server):
    with Play(server.url, "deadly", Graph(crashing.analytics)) as play:
        play.append(200, [BTC])
        bad = random_trades(9, 50)
        bad[17, 2] = crashing.DEADLY
        play.log.append(BTC, 201, bad)
        play.append(200, [BTC])
        command = [sys.executable, crashing.__file__, server.url, play.name]
        environment = os.environ | {"PYTHONPATH": str(Path(crashing.__file__).parents[1])}
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
        )
        assert child.stdin is not None
        assert child.stdout is not None
        codes = []
        for _ in range(ATTEMPTS + 3):
            child.stdin.write("go\n")
            codes.append(int(child.stdout.readline()))
            if codes[-1] == 0:
                break
        child.stdin.close()
        assert child.wait(20) == 0
        child.stdout.close()
        # the first death is of a whole batch; from then on entries are folded one by one
        assert codes[-1] == 0
        assert set(codes[:-1]) == {7}
        assert ATTEMPTS <= len(codes) - 1 <= ATTEMPTS + 1
        ((_, reason),) = play.log.dead("BTC-USD")
        assert reason == "3 attempts at it ended their task"
        assert play.log.results("BTC-USD", "bars")["trades"].sum() == 400
