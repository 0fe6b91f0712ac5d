"""The bots' client: a wallet that writes to others from Python, and reads what they answer.

It believes the relay nothing: logs are chained and pinned, devices verified by their wallets' statements, key packages
compared with them, and who is in a group checked after every change. Groups live as long as the process.
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from rtlab.errors import IdentityError, MessagingError, UnreadableError
from rtlab.messaging.attachments import Attached, Upload, download
from rtlab.messaging.connection import RelayLink, link
from rtlab.messaging.directory import EMPTY, Head, bindings_of, devices_of
from rtlab.messaging.encryption.envelope import Device, Kind, open_envelope
from rtlab.messaging.encryption.groups import MlsRsGroup, MlsRsGroups
from rtlab.messaging.encryption.leaves import Leaf, group_of, leaf_of_key_package
from rtlab.messaging.identity import Resolver, decoded, verify
from rtlab.messaging.identity.wallets import LocalWallet
from rtlab.messaging.relay.messages import Claim, Consent, Fleeting, Look, Publish, Send

PACKAGES = 20


class Received(NamedTuple):
    """What somebody wrote: his account, and the content (`kind` is "text", "mark", "price", ...)."""

    account: str
    content: dict[str, Any]


class _Conversation(NamedTuple):
    group: MlsRsGroup
    account: str


class Correspondent:
    """A wallet with one device at the relay of `url`; `async with Correspondent(url, directory, wallet) as bot`.

    UnreachableError, RefusedError and IdentityError as the relay and what it says give reason to.
    """

    def __init__(
        self,
        url: str,
        directory: str,
        wallet: LocalWallet,
        *,
        resolver: Resolver | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.account, self.unreadable = wallet.account, 0
        self._url, self._directory, self._resolver, self._wall = url, directory, resolver, wall
        self._device = Device()
        self._binding = wallet.bind(self._device.public, directory, wall())
        self._groups = MlsRsGroups(self._device, self._binding.encoded())
        self._conversations: dict[bytes, _Conversation] = {}
        self._pins: dict[str, Head] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        entering = link(self._url, self._device, self._binding, self._directory)
        self._link: RelayLink = await self._stack.enter_async_context(entering)
        packages = [self._groups.key_package() for _ in range(PACKAGES)]
        await self._link.ask(Publish, packages=packages, last=self._groups.key_package())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def say(self, account: str, text: str) -> None:
        """Write a text; the first to an account goes to its requests."""
        await self.send(account, kind="text", text=text)

    async def alert(self, account: str, title: str, text: str) -> None:
        """Send an alert, which is shown as a card."""
        await self.send(account, kind="alert", title=title, text=text)

    async def send(self, account: str, **content: Any) -> None:
        """Send a content of any kind that the widget knows."""
        conversation = next((one for one in self._conversations.values() if one.account == account), None)
        group = (conversation or await self._begin(account)).group
        whole = {
            "id": secrets.token_hex(16),
            "at": int(self._wall() * 1000),
            "device": self._device.public.hex(),
            **content,
        }
        envelope = self._device.seal(Kind.MESSAGE, group.encrypt(msgspec.json.encode(whole)))
        await self._link.ask(Send, to=self._others(group), envelope=envelope)

    async def attach(
        self, account: str, name: str, content: bytes, *, type: str = "application/octet-stream"
    ) -> None:
        """Send a file of up to 25 MiB: encrypted in chunks, by a key that is inside of the message."""
        attached = await Upload(name, content, type).send(self._link)
        await self.send(account, kind="file", **msgspec.to_builtins(attached))

    async def fetch(self, received: Received) -> bytes:
        """Fetch and open the file of a message; UnreadableError unless every byte of it is the sender's."""
        return await download(self._link, Attached.of(received.content))

    async def received(self) -> AsyncIterator[Received]:
        """Give what comes, until the connection ends; what cannot be read is counted and passed over."""
        while True:
            mail = await self._link.mail()
            try:
                found = self._open(mail.envelope)
            except (UnreadableError, IdentityError):
                self.unreadable += 1
                found = None
            if not isinstance(mail, Fleeting):
                await self._link.acknowledge(mail.cursor)
            if found is not None:
                yield found

    async def _begin(self, account: str) -> _Conversation:
        if account == self.account:
            raise MessagingError("a conversation needs somebody else", got=account)
        entries = (await self._link.ask(Look, account=account)).entries or []
        bindings, head = bindings_of(entries, self._pins.get(account, EMPTY))
        devices = devices_of(bindings, account, self._directory, self._wall())
        self._pins[account] = head
        add = []
        for device, package in (await self._link.ask(Claim, account=account)).packages or []:
            leaf = leaf_of_key_package(package)
            binding = devices.get(leaf.device)
            if leaf.device.hex() != device or binding is None or binding.encoded() != leaf.credential:
                raise IdentityError(
                    "the relay gave a key package of a device that the directory does not name"
                )
            add.append(package)
        ident = secrets.token_bytes(16)
        group = self._groups.create(ident)
        committed = group.commit(add)
        group.apply(committed)
        self._check(group.members(), account)
        if committed.welcome is None:
            raise MessagingError("an account has no device that could be written to", got=account)
        welcome = self._device.seal(Kind.WELCOME, committed.welcome)
        await self._link.ask(Consent, account=account, verdict="accept")
        await self._link.ask(Send, to=self._others(group), envelope=welcome)
        self._conversations[ident] = _Conversation(group, account)
        return self._conversations[ident]

    def _open(self, envelope: bytes) -> Received | None:
        opened = open_envelope(envelope)
        if opened.kind is Kind.WELCOME:
            self._join(opened.sender, opened.payload)
            return None
        conversation = self._conversations.get(group_of(opened.payload))
        if conversation is None:
            raise UnreadableError("a message is of a conversation that is not known here")
        group, account = conversation
        sender = next((leaf for leaf in group.members() if leaf.device == opened.sender), None)
        content = group.receive(opened.payload, opened.sender).content
        if content is None:
            self._check(group.members(), account)
            return None
        try:
            read = msgspec.json.decode(content, type=dict[str, Any])
        except msgspec.MsgspecError as problem:
            raise UnreadableError(f"a message is no JSON: {problem}") from None
        if sender is None or read.get("device") != opened.sender.hex():
            raise UnreadableError("a message is passed on by another device than it is from")
        return Received(self._account_of(sender), read)

    def _join(self, sender: bytes, welcome: bytes) -> None:
        group = self._groups.join(welcome)
        members = group.members()
        others = {self._account_of(leaf) for leaf in members} - {self.account}
        if len(others) != 1 or sender not in {leaf.device for leaf in members}:
            raise IdentityError("a conversation is not of this account and one other")
        account = others.pop()
        self._check(members, account)
        self._conversations[group.ident] = _Conversation(group, account)

    def _check(self, members: list[Leaf], account: str) -> None:
        for leaf in members:
            found = self._account_of(leaf)
            if found not in (self.account, account):
                raise IdentityError("a stranger was put into the conversation", got=found)

    def _account_of(self, leaf: Leaf) -> str:
        statement = verify(
            decoded(leaf.credential),
            device=leaf.device,
            directory=self._directory,
            now=self._wall(),
            resolver=self._resolver,
        )
        return statement.account

    def _others(self, group: MlsRsGroup) -> list[str]:
        return [leaf.device.hex() for leaf in group.members() if leaf.device != self._device.public]
