import contextlib

import numpy as np
import pytest
from support.sockets import descriptors, socket_pairs

from rtlab.feed.fanout import FULL, is_possible, send_to_all

pytestmark = pytest.mark.skipif(not is_possible(), reason="sockets are no descriptors here")


@pytest.fixture
def pairs():
    with socket_pairs(5) as made:
        yield made


@pytest.mark.parametrize("frame", [b"x", b"\x82\x03abc", bytes(range(256)) * 8])
def test_every_socket_takes_the_whole_frame(pairs, frame):
    took = np.zeros(len(pairs), np.int64)
    assert send_to_all(descriptors(pairs), frame, took) == 0
    assert took.tolist() == [len(frame)] * len(pairs)
    assert {theirs.recv(1 << 16) for _, theirs in pairs} == {frame}


def test_who_is_full_is_told_apart_and_costs_the_others_nothing(pairs):
    full = pairs[2][0]
    with contextlib.suppress(BlockingIOError):
        while True:
            full.send(bytes(4096))
    took = np.zeros(len(pairs), np.int64)
    assert send_to_all(descriptors(pairs), b"frame", took) == 1
    assert took.tolist() == [5, 5, FULL, 5, 5]


def test_a_large_frame_may_be_taken_in_part(pairs):
    frame, took = bytes(8 << 20), np.zeros(1, np.int64)
    assert send_to_all(descriptors(pairs[:1]), frame, took) == 1
    assert took[0] < len(frame)


def test_a_socket_that_is_closed_or_passed_over_takes_nothing_and_raises_no_signal(pairs):
    pairs[0][1].close()
    fds, took = descriptors(pairs), np.zeros(len(pairs), np.int64)
    fds[1] = -1
    assert send_to_all(fds, b"frame", took) == 2
    assert took.tolist() == [FULL, FULL, 5, 5, 5]


def test_nobody_is_sent_nothing():
    none = np.zeros(0, np.int64)
    assert send_to_all(none, b"frame", none) == 0
