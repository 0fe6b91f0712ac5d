import resource

import numpy as np
import pytest
from support.sockets import descriptors, fill, socket_pairs

from rtlab.feed.fanout import FULL, Ring, Sender, is_possible, warm_up
from rtlab.feed.fanout.sender import FEW

pytestmark = pytest.mark.skipif(not is_possible(), reason="sockets are no descriptors here")


@pytest.fixture(params=[4, 2 * FEW], ids=["few", "many"])
def pairs(request):
    with socket_pairs(request.param) as made:
        yield made


@pytest.fixture
def no_files_left():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_uses_the_ring_where_there_is_one():
    try:
        Ring().close()
        expected = "io_uring"
    except OSError:
        expected = "send"
    sender = Sender()
    assert sender.way == expected
    sender.close()


def test_without_a_ring_it_sends_all_the_same(no_files_left):
    sender = Sender()
    assert sender.way == "send"


@pytest.mark.parametrize("closed", [False, True])
def test_every_socket_takes_the_frame_and_who_is_full_none_by_either_way(pairs, closed):
    sender, took = Sender(), np.zeros(len(pairs), np.int64)
    if closed:
        sender.close()
        assert sender.way == "send"
    fill(pairs[1][0])
    assert sender.send_to_all(descriptors(pairs), b"frame", took) == 1
    assert took.tolist() == [5, FULL, *[5] * (len(pairs) - 2)]
    assert {theirs.recv(64) for i, (_, theirs) in enumerate(pairs) if i != 1} == {b"frame"}
    sender.close()


def test_warming_up_leaves_nothing_open(pairs):
    warm_up()
    before = np.zeros(1, np.int64)
    sender = Sender()
    assert sender.send_to_all(descriptors(pairs[:1]), b"x", before) == 0
    sender.close()
    sender.close()
