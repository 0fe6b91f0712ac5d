"""Devices in a group, of the browser's code (by Node) and of mls-rs, behind the same few calls."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from support.messaging import JAVASCRIPT, node

from rtlab.errors import MessagingError, UnreadableError
from rtlab.messaging.encryption.envelope import Device, Kind, open_envelope
from rtlab.messaging.encryption.groups import Committed, MlsRsGroups


class GroupDevice(Protocol):
    """A device; envelopes in and out, UnreadableError for what it cannot read."""

    name: str
    public: bytes

    def package(self) -> bytes: ...
    def create(self, group: bytes) -> None: ...
    def commit(self, add: list[bytes], remove: list[bytes]) -> tuple[bytes, bytes | None]: ...
    def apply(self) -> None: ...
    def join(self, welcome: bytes) -> None: ...
    def seal(self, content: bytes) -> bytes: ...
    def open(self, envelope: bytes) -> bytes | None: ...
    def restart(self) -> None: ...
    def members(self) -> set[bytes]: ...
    def can_remove(self, device: bytes) -> bool: ...


class Browser:
    """The process in which all devices of the browser's code are."""

    def __enter__(self) -> Self:
        program = Path(__file__).with_name("mls_peer.mjs")
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [node(), str(program), str(JAVASCRIPT)], stdin=pipe, stdout=pipe, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def ask(self, **what: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "refused" in answer:
            raise UnreadableError(answer["refused"])
        if "unable" in answer:
            raise MessagingError(answer["unable"])
        assert "failed" not in answer, answer["failed"]
        return answer


class BrowserDevice:
    """A device of the browser's code."""

    def __init__(self, browser: Browser, name: str) -> None:
        self.name, self._browser = name, browser
        self.public = bytes.fromhex(browser.ask(op="device", name=name)["device"])

    def _ask(self, op: str, **what: object) -> dict[str, Any]:
        return self._browser.ask(op=op, name=self.name, **what)

    def package(self) -> bytes:
        return bytes.fromhex(self._ask("package")["package"])

    def create(self, group: bytes) -> None:
        self._ask("create", group=group.decode())

    def commit(self, add: list[bytes], remove: list[bytes]) -> tuple[bytes, bytes | None]:
        made = self._ask("commit", add=[a.hex() for a in add], remove=[r.hex() for r in remove])
        welcome = made.get("welcome")
        return bytes.fromhex(made["commit"]), None if welcome is None else bytes.fromhex(welcome)

    def apply(self) -> None:
        self._ask("apply")

    def join(self, welcome: bytes) -> None:
        self._ask("join", welcome=welcome.hex())

    def seal(self, content: bytes) -> bytes:
        return bytes.fromhex(self._ask("seal", content=content.hex())["envelope"])

    def open(self, envelope: bytes) -> bytes | None:
        content = self._ask("open", envelope=envelope.hex()).get("content")
        return None if content is None else bytes.fromhex(content)

    def restart(self) -> None:
        self._ask("restart")

    def members(self) -> set[bytes]:
        return {bytes.fromhex(one) for one in self._ask("members")["members"]}

    def can_remove(self, device: bytes) -> bool:
        return True

    def state(self) -> str:
        """Everything that it holds of the group, as it saves it."""
        return self._ask("saved")["state"]

    def put_back(self, state: str) -> None:
        """Hold what was saved earlier."""
        self._ask("restore", state=state)


class MlsRsDevice:
    """A device of mls-rs, as bots have it."""

    def __init__(self, name: str) -> None:
        self.name, self._device = name, Device()
        self.public = self._device.public
        self._groups = MlsRsGroups(self._device, name.encode())
        self._heard: set[bytes] = set()

    def package(self) -> bytes:
        return self._groups.key_package()

    def create(self, group: bytes) -> None:
        self._group, self._id = self._groups.create(group), group

    def commit(self, add: list[bytes], remove: list[bytes]) -> tuple[bytes, bytes | None]:
        self._pending = self._group.remove(remove[0]) if remove else self._group.commit(add)
        commit, welcome = self._pending
        sealed = None if welcome is None else self._device.seal(Kind.WELCOME, welcome)
        return self._device.seal(Kind.COMMIT, commit), sealed

    def apply(self) -> None:
        self._group.apply(Committed(*self._pending))

    def join(self, welcome: bytes) -> None:
        self._group = self._groups.join(open_envelope(welcome).payload)
        self._id = b"group"

    def seal(self, content: bytes) -> bytes:
        return self._device.seal(Kind.MESSAGE, self._group.encrypt(content))

    def open(self, envelope: bytes) -> bytes | None:
        opened = open_envelope(envelope)
        content = self._group.receive(opened.payload, opened.sender).content
        if content is not None:
            self._heard.add(opened.sender)
        return content

    def restart(self) -> None:
        self._group.save()
        self._group, self._heard = self._groups.load(self._id), set()

    def members(self) -> set[bytes]:
        return {leaf.device for leaf in self._group.members()}

    def can_remove(self, device: bytes) -> bool:
        return device in self._heard
