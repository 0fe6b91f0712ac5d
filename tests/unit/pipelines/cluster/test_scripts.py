import pytest
from support.frames import BTC

from rtlab.pipelines.cluster.keys import keys_of
from rtlab.pipelines.cluster.scripts import ATTEMPT, BURY, COMMIT, TAKE_BACK


class Redis:
    """The scripts as somebody with a lease calls them."""

    def __init__(self, play) -> None:
        play.append(500, [BTC])
        self.client, self.keys = play.redis, keys_of(play.name, "BTC-USD")
        self.ids = [at.decode() for at, _ in self.client.xrange(self.keys.log)]
        self._commit, self._attempt, self._bury, self._take_back = (
            play.redis.register_script(one) for one in (COMMIT, ATTEMPT, BURY, TAKE_BACK)
        )

    def lease(self) -> int:
        return int(self.client.incr(self.keys.lease))

    def commit(self, epoch: int, before: str, now: str, trim: int = 0, attempted: int = 0) -> str:
        keys = [self.keys.checkpoint, self.keys.lease, self.keys.results, self.keys.log]
        said = [epoch, before, now, b"state of " + now.encode(), b"r", 50, 0, 1000, trim, attempted]
        return self._commit(keys, said).decode()

    def attempt(self, epoch: int) -> int:
        return int(self._attempt([self.keys.checkpoint, self.keys.lease], [epoch]))

    def take_back(self) -> int:
        return int(self._take_back([self.keys.checkpoint]))

    def bury(self, epoch: int, before: str, now: str) -> str:
        keys = [self.keys.checkpoint, self.keys.lease, self.keys.dead]
        return self._bury(keys, [epoch, before, now, b"x", "why"]).decode()

    def at(self, *names: str) -> list[str]:
        return [value.decode() if value else "" for value in self.client.hmget(self.keys.checkpoint, *names)]


@pytest.fixture
def redis(play) -> Redis:
    return Redis(play)


def test_a_commit_moves_position_state_and_results_together(redis):
    epoch = redis.lease()
    assert redis.commit(epoch, "0-0", redis.ids[0]) == "OK"
    assert redis.at("id", "state", "rows") == [redis.ids[0], f"state of {redis.ids[0]}", "50"]
    assert [at.decode() for at, _ in redis.client.xrange(redis.keys.results)] == [redis.ids[0]]


def test_a_commit_that_is_tried_again_is_harmless(redis):
    epoch = redis.lease()
    for _ in range(3):
        assert redis.commit(epoch, "0-0", redis.ids[0]) == "OK"
    assert redis.at("rows") == ["50"]
    assert redis.client.xlen(redis.keys.results) == 1


def test_a_zombie_is_refused_and_counted(redis):
    zombie, epoch = redis.lease(), redis.lease()
    assert redis.commit(epoch, "0-0", redis.ids[0]) == "OK"
    assert redis.commit(zombie, redis.ids[0], redis.ids[1]) == "FENCED"
    assert redis.attempt(zombie) == -1
    assert redis.bury(zombie, redis.ids[0], redis.ids[1]) == "FENCED"
    assert redis.at("id", "fenced") == [redis.ids[0], "3"]


def test_a_commit_from_another_position_is_refused(redis):
    epoch = redis.lease()
    redis.commit(epoch, "0-0", redis.ids[1])
    assert redis.commit(epoch, redis.ids[0], redis.ids[2]) == f"MOVED {redis.ids[1]}"
    assert redis.bury(epoch, redis.ids[0], redis.ids[2]) == f"MOVED {redis.ids[1]}"


def test_attempts_are_counted_until_a_commit(redis):
    epoch = redis.lease()
    assert [redis.attempt(epoch) for _ in range(3)] == [1, 2, 3]
    redis.commit(epoch, "0-0", redis.ids[0])
    assert redis.attempt(epoch) == 1


def test_who_is_refused_takes_back_its_attempt_at_what_still_comes_next_and_no_other(redis):
    zombie, another = redis.lease(), redis.lease()
    redis.attempt(another)
    redis.attempt(another)
    for attempted, left in ((0, "2"), (1, "1"), (1, "0"), (1, "0")):
        assert redis.commit(zombie, "0-0", redis.ids[0], attempted=attempted) == "FENCED"
        assert redis.at("attempts") == [left]
    redis.commit(another, "0-0", redis.ids[0])
    redis.attempt(another)
    assert redis.commit(zombie, "0-0", redis.ids[0], attempted=1) == "FENCED"
    assert redis.at("attempts", "fenced") == ["1", "5"]


def test_an_attempt_is_taken_back_and_never_one_that_was_not_made(redis):
    epoch = redis.lease()
    redis.take_back()
    assert [redis.attempt(epoch), redis.attempt(epoch)] == [1, 2]
    for left in ("1", "0", "0"):
        redis.take_back()
        assert redis.at("attempts") == [left]


def test_what_is_put_aside_is_kept_with_its_reason(redis):
    epoch = redis.lease()
    redis.attempt(epoch)
    assert redis.bury(epoch, "0-0", redis.ids[0]) == "OK"
    assert redis.at("id", "attempts", "dead") == [redis.ids[0], "0", "1"]
    ((_, fields),) = redis.client.xrange(redis.keys.dead)
    assert fields == {b"d": b"x", b"reason": b"why"}


def test_what_is_committed_may_be_trimmed_and_nothing_after_it(redis):
    epoch = redis.lease()
    redis.commit(epoch, "0-0", redis.ids[4], trim=1)
    left = [at.decode() for at, _ in redis.client.xrange(redis.keys.log)]
    assert left[-5:] == redis.ids[-5:]
