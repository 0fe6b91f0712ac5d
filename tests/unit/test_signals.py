"""Each end of a process is tried in one of its own, which hashes for hours unless it is ended: a call of C."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from rtlab.signals import came, end_at_once, interruptible, undisturbed

BEGIN = """
import hashlib, os, signal, sys, threading
from rtlab.signals import came, end_at_once, interruptible

def work():
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)

for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: came(number))
"""


@pytest.fixture
def answers():
    yield end_at_once
    end_at_once({})


@pytest.fixture
def begun():
    made = []

    def begin(script):
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", BEGIN + script]
        made.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        assert made[-1].stdout.readline() == "begun\n"
        return made[-1]

    yield begin
    for process in made:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 7), (signal.SIGINT, 9)])
def test_a_signal_ends_a_call_that_python_cannot_interrupt(begun, number, status):
    process = begun(
        "end_at_once({signal.SIGTERM: 7, signal.SIGINT: 9})\nwith interruptible('last words'):\n    work()"
    )
    process.send_signal(number)
    assert process.communicate(timeout=60) == ("", "last words")
    assert process.returncode == status


def test_a_signal_ends_what_another_thread_does(begun):
    process = begun(
        "end_at_once({signal.SIGTERM: 7})\n"
        "threading.Thread(target=interruptible()(work)).start()\n"
        "while True:\n    signal.pause()"
    )
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 7


def test_a_signal_that_came_before_ends_what_is_begun_after_it(begun):
    process = begun(
        "end_at_once({signal.SIGTERM: 7})\nos.kill(os.getpid(), signal.SIGTERM)\n"
        "print('begun', flush=True)\nwith interruptible('last words'):\n    work()"
    )
    assert process.communicate(timeout=60) == ("", "last words")
    assert process.returncode == 7


def test_it_ends_with_its_owner(begun):
    process = begun("end_at_once({signal.SIGTERM: 7}, owner=0)\nwith interruptible():\n    work()")
    assert process.communicate(timeout=60) == ("", "")  # closes its input
    assert process.returncode == 0


def test_who_asked_for_no_end_is_left_alone(answers):
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        answers({signal.SIGTERM: 7})
        answers({})
        with interruptible():
            os.kill(os.getpid(), signal.SIGTERM)
            came(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]


async def test_other_signals_come_to_the_loop_when_it_goes_on(answers):
    answers({signal.SIGTERM: 7})
    seen = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, seen.set)
    with interruptible():
        os.kill(os.getpid(), signal.SIGUSR1)
        assert not seen.is_set()
    await asyncio.wait_for(seen.wait(), 60)
    with interruptible():
        assert "rtlab signals" in {thread.name for thread in threading.enumerate()}
    assert "rtlab signals" not in {thread.name for thread in threading.enumerate()}
    asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)


def test_a_body_that_raises_leaves_nothing_under_way(answers):
    answers({signal.SIGTERM: 7})
    with pytest.raises(ZeroDivisionError), interruptible():
        _ = 1 / 0
    came(signal.SIGTERM)  # would end this process


def test_an_interrupt_waits_for_what_is_undisturbed(interrupts):
    steps = []

    def work():
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            steps.append("goes on")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["goes on"]
    with pytest.raises(ValueError, match="mine"), undisturbed():
        raise ValueError("mine")
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_who_is_not_interrupted_is_not_afterwards_either():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_is_not_pythons_is_left_alone(monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        patched.setattr("rtlab.signals.signal.getsignal", lambda number: None)
        with undisturbed():
            patched.undo()
            assert signal.getsignal(signal.SIGINT) == before
    assert signal.getsignal(signal.SIGINT) == before


def test_another_thread_is_undisturbed_as_it_is():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work():
        with undisturbed():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
