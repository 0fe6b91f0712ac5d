import os
import resource
import subprocess
import sys
import threading

import numpy as np
import pytest
from support.sockets import descriptors, fill, socket_pairs

from rtlab.feed.fanout import FULL, Ring, send_to_all
from rtlab.feed.fanout.ring import ENTRIES


@pytest.fixture
def ring():
    with Ring() as made:
        yield made


@pytest.fixture
def pairs():
    with socket_pairs(5) as made:
        yield made


@pytest.mark.parametrize("frame", [b"x", b"\x82\x03abc", bytes(range(256)) * 8])
def test_every_socket_takes_the_whole_frame(ring, pairs, frame):
    took = np.zeros(len(pairs), np.int64)
    assert ring.send_to_all(descriptors(pairs), frame, took) == 0
    assert took.tolist() == [len(frame)] * len(pairs)
    assert {theirs.recv(1 << 16) for _, theirs in pairs} == {frame}


def test_who_is_full_or_passed_over_or_gone_is_told_apart_and_costs_the_others_nothing(ring, pairs):
    fill(pairs[2][0])
    pairs[0][1].close()
    fds, took = descriptors(pairs), np.zeros(len(pairs), np.int64)
    fds[1] = -1
    assert ring.send_to_all(fds, b"frame", took) == 3
    assert took.tolist() == [FULL, FULL, FULL, 5, 5]


def test_a_large_frame_may_be_taken_in_part_and_is_not_waited_for(ring, pairs):
    frame, took = bytes(8 << 20), np.zeros(1, np.int64)
    assert ring.send_to_all(descriptors(pairs[:1]), frame, took) == 1
    assert 0 < took[0] < len(frame)


def test_more_sockets_than_one_call_takes_each_get_every_frame_once_and_in_order(ring):
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = ENTRIES + 100
    if most < 2 * count + 64:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (2 * count + 64, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
    with socket_pairs(count) as pairs:
        fds, took = descriptors(pairs), np.zeros(count, np.int64)
        frames = [b"%04d" % number for number in range(5 * ENTRIES // count + 3)]  # round the ring and on
        for frame in frames:
            assert ring.send_to_all(fds, frame, took) == 0
        assert {theirs.recv(1 << 16) for _, theirs in pairs} == {b"".join(frames)}


def test_random_crowds_take_what_the_plain_loop_would_have_sent(ring):
    random = np.random.default_rng(7)
    with socket_pairs(40) as by_ring, socket_pairs(40) as by_loop:
        for _ in range(50):
            chosen = random.permutation(40)[: random.integers(0, 40)]
            frame = random.bytes(int(random.integers(1, 3000)))
            took, expected = np.zeros(len(chosen), np.int64), np.zeros(len(chosen), np.int64)
            short = ring.send_to_all(descriptors(by_ring)[chosen], frame, took)
            assert short == send_to_all(descriptors(by_loop)[chosen], frame, expected)
            assert took.tolist() == expected.tolist()
        for (_, ours), (_, theirs) in zip(by_ring, by_loop, strict=True):
            assert _all(ours) == _all(theirs)


def test_when_the_system_takes_no_more_requests_each_is_sent_once_by_its_own_call(ring, pairs):
    os.close(ring._ring)  # nothing will come to work any more
    took = np.zeros(len(pairs), np.int64)
    assert ring.send_to_all(descriptors(pairs), b"frame", took) == 0
    assert ring.failed
    assert {theirs.recv(1 << 16) for _, theirs in pairs} == {b"frame"}
    ring._ring = -1


def test_another_thread_than_its_own_is_served_by_single_calls(ring, pairs):
    took = np.zeros(len(pairs), np.int64)
    ring.send_to_all(descriptors(pairs), b"one ", took)
    thread = threading.Thread(target=ring.send_to_all, args=(descriptors(pairs), b"two", took))
    thread.start()
    thread.join(10)
    assert ring.failed
    assert {theirs.recv(1 << 16) for _, theirs in pairs} == {b"one two"}


def test_closing_twice_is_closing_once(ring):
    ring.close()
    ring.close()


def test_nobody_is_sent_nothing(ring):
    none = np.zeros(0, np.int64)
    assert ring.send_to_all(none, b"frame", none) == 0


def test_warming_up_compiles_what_a_round_will_call_so_that_no_reader_waits_for_it():
    code = """
import socket
import numpy as np
from rtlab.feed.fanout import Sender, warm_up
from rtlab.feed.fanout.ring import _send_by_ring
warm_up()
print(len(_send_by_ring.signatures))
pairs = [socket.socketpair() for _ in range(20)]
fds, took = np.array([ours.fileno() for ours, _ in pairs], np.int64), np.zeros(512, np.int64)
assert Sender().send_to_all(fds[np.arange(20)], b"frame", took[:20]) == 0
print(len(_send_by_ring.signatures))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.split() == ["1", "1"]


def test_this_platform_is_named(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(OSError, match="Linux"):
        Ring()


def _all(one) -> bytes:
    parts = b""
    try:
        while part := one.recv(1 << 16):
            parts += part
    except BlockingIOError:
        pass
    return parts
