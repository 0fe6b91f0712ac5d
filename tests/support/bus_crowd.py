"""Consumers of the bus as processes, which are killed, frozen and started again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAM = Path(__file__).with_name("bus_consumer.py")


class Crowd:
    """`count` consumers with the same settings. `kills` counts SIGKILLs."""

    def __init__(self, count: int, **told: object) -> None:
        self.told = {name: str(value) if isinstance(value, Path) else value for name, value in told.items()}
        self.kills = 0
        self.members = [self._start() for _ in range(count)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members:
            _end(member, signal.SIGKILL)

    def kill(self, number: int) -> None:
        """SIGKILL one, and start another in its place."""
        _end(self.members[number], signal.SIGKILL)
        self.kills += 1
        self.members[number] = self._start()

    def add(self) -> None:
        self.members.append(self._start())

    def remove(self, number: int) -> None:
        """End one in order."""
        _end(self.members.pop(number), signal.SIGTERM)

    def freeze(self, number: int) -> None:
        os.kill(self.members[number].pid, signal.SIGSTOP)

    def wake(self, number: int) -> None:
        os.kill(self.members[number].pid, signal.SIGCONT)

    def revive(self) -> None:
        """Start another in the place of each that has ended by itself."""
        self.members = [one if one.poll() is None else self._start(one) for one in self.members]

    def fenced(self, database: Path) -> int:
        """How many effects were refused because their consumer held its shard no more."""
        told = Path(f"{database}.fenced")
        return sum(map(int, told.read_text().split())) if told.exists() else 0

    def wait_ready(self) -> None:
        """Wait until all have joined."""
        for member in self.members:
            assert member.stdout is not None
            assert member.stdout.readline(), "a consumer did not come up"

    def _start(self, before: "subprocess.Popen[str] | None" = None) -> "subprocess.Popen[str]":
        if before is not None:
            _end(before, signal.SIGKILL)
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(self.told)], stdout=subprocess.PIPE, text=True
        )


def _end(member: "subprocess.Popen[str]", by: signal.Signals) -> None:
    if member.poll() is None:
        member.send_signal(by)
        if by is signal.SIGKILL:
            member.send_signal(signal.SIGCONT)
    member.wait(20)
    assert member.stdout is not None
    member.stdout.close()
