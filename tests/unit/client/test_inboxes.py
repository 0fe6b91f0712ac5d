import pytest

from rtlab.client.inboxes import Inboxes
from rtlab.errors import ConfigError, OverrunError
from rtlab.protocol import Applied


def note(number: int) -> Applied:
    return Applied(None, number, "status")


def test_each_sees_all_and_what_they_drop_is_summed_up():
    inboxes = Inboxes(lambda: None, limit=2)
    one, two = inboxes.open(), inboxes.open(limit=3)
    for number in range(4):
        inboxes.put(note(number))
    assert (len(one), len(two), inboxes.waiting, inboxes.dropped) == (2, 3, 5, 3)


def test_one_that_nobody_holds_is_gone_and_blocks_nobody():
    asked = []
    inboxes = Inboxes(lambda: asked.append(True), policy="block", limit=1)
    one, other = inboxes.open(), inboxes.open(policy="newest")
    inboxes.put(note(1))
    assert inboxes.is_blocking
    del one
    assert not inboxes.is_blocking
    assert (len(inboxes), len(other), asked) == (1, 1, [True])


def test_the_wishes_of_one_are_before_those_of_all():
    inboxes = Inboxes(lambda: None, policy="raise", limit=1)
    assert inboxes.open().policy == "raise"
    assert inboxes.open(policy="newest").policy == "newest"
    for wrong in ({"policy": "oldest"}, {"limit": 0}):
        with pytest.raises(ConfigError):
            inboxes.open(**wrong)
        with pytest.raises(ConfigError):
            Inboxes(lambda: None, **wrong)


async def test_all_end_together():
    inboxes = Inboxes(lambda: None)
    one, two = inboxes.open(), inboxes.open()
    inboxes.finish(OverrunError("too slow"))
    for inbox in (one, two):
        with pytest.raises(OverrunError):
            await anext(inbox)
