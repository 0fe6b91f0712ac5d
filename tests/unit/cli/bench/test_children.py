import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from rtlab.cli.bench.children import Child, Owner
from rtlab.errors import UnreachableError


async def echo(owner: Owner, greeting: str) -> None:
    owner.send((greeting, os.getpid()))
    while True:
        owner.send(await owner.receive())


async def end_at_once(owner: Owner) -> None:
    owner.send("bye")


async def say_nothing(owner: Owner) -> None:
    await asyncio.Event().wait()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_words_go_both_ways_and_the_child_ends_with_its_owner():
    with Child(echo, "hello") as child:
        greeting, pid = child.receive()
        assert greeting == "hello"
        assert pid != os.getpid()
        for word in ("one", {"two": 2}, bytes(3_000_000)):
            child.send(word)
            assert child.receive() == word
    assert not is_running(pid)


def test_a_child_that_has_ended_is_told_apart_from_one_that_is_silent():
    with Child(end_at_once) as child:
        assert child.receive() == "bye"
        with pytest.raises(UnreachableError, match="has ended"):
            child.receive()
    with Child(say_nothing) as child, pytest.raises(UnreachableError, match="is silent"):
        child.receive(0.1)


def test_a_child_ends_though_its_owner_is_killed(tmp_path):
    script = tmp_path / "owner.py"
    script.write_text(
        textwrap.dedent(
            """
            import asyncio, os, time
            from rtlab.cli.bench.children import Child

            async def work(owner):
                owner.send(os.getpid())
                await asyncio.Event().wait()

            if __name__ == "__main__":
                with Child(work) as child:
                    print(child.receive(), flush=True)
                    time.sleep(60)
            """
        )
    )
    owner = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert is_running(pid)
        owner.send_signal(signal.SIGKILL)
        owner.wait(10)
        end = time.monotonic() + 20
        while is_running(pid):
            assert time.monotonic() < end, "the child outlived its owner"
            time.sleep(0.01)
    finally:
        owner.kill()
        owner.wait(10)
        owner.stdout.close()
