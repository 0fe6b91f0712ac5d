"""A random life of a group: messages, loss, shuffle, replays, forgeries, restarts, commits, devices come and gone.

The oracle is the ledger of who was a member when: what a member was sent while it was one is readable once, within
the reorder window, and everything else never.
"""

import random
from collections import Counter, deque
from typing import NamedTuple

from support.mls_devices import Browser, BrowserDevice, GroupDevice, MlsRsDevice

from rtlab.errors import MessagingError, UnreadableError

LATE_EPOCHS = 2
AHEAD = 12  # places by which a message may overtake others


class Sent(NamedTuple):
    """A message or a commit on its way to one member."""

    epoch: int
    envelope: bytes
    content: bytes | None  # None: a commit
    sender: GroupDevice
    removes: GroupDevice | None = None


class Schedule:
    """Plays steps; `differences` says what was read that should not be, or not read that should be."""

    def __init__(self, browser: Browser, seed: int) -> None:
        self.random = random.Random(seed)
        self.browser, self.differences, self.counts = browser, [], Counter()
        self.made = 0
        self.devices: list[GroupDevice] = [self.new(), self.new()]
        self.epoch = {self.devices[0].name: 0}
        self.inbox: dict[str, deque[Sent]] = {self.devices[0].name: deque()}
        self.gone: list[tuple[GroupDevice, int]] = []  # and from which epoch on it is out
        self.read: deque[tuple[GroupDevice, bytes]] = deque(maxlen=50)
        self.latest = 0
        self.joined = {self.devices[0].name: 0}
        first, second = self.devices
        first.create(b"group")
        self.devices = [first]
        self.add(first, second)

    def new(self) -> GroupDevice:
        self.made += 1
        if self.made % 2:
            return BrowserDevice(self.browser, f"js{self.made}")
        return MlsRsDevice(f"py{self.made}")

    def play(self, messages: int) -> None:
        steps = [self.send] * 40 + [self.deliver] * 60 + [self.update] * 3 + [self.restart] * 2
        steps += [self.come, self.leave] + [self.replay, self.forge] * 2
        while self.counts["sent"] < messages and not self.differences:
            self.random.choice(steps)()
        for device in [] if self.differences else list(self.devices):
            self.catch_up(device)
        if not self.differences:
            self.agree()

    def send(self) -> None:
        device = self.random.choice(self.devices)
        content = f"{self.counts['sent']} from {device.name}".encode() * self.random.randint(1, 30)
        envelope = device.seal(content)
        self.counts["sent"] += 1
        for other in self.devices:
            epoch = self.epoch[device.name]
            if other is device or self.epoch[other.name] > epoch + LATE_EPOCHS:
                continue
            if self.joined[other.name] > epoch:
                self.must_not_read(other, envelope, "sent before")
                continue
            if self.random.random() < 0.08:
                self.counts["lost"] += 1
                continue
            self.inbox[other.name].append(Sent(epoch, envelope, content, device))
        self.overhear(device, envelope)

    def deliver(self) -> None:
        device = self.random.choice(self.devices)
        inbox = self.inbox[device.name]
        if inbox:
            self.take(device, self.random.randrange(min(AHEAD, len(inbox))))

    def take(self, device: GroupDevice, at: int) -> None:
        inbox = self.inbox[device.name]
        sent, epoch = inbox[at], self.epoch[device.name]
        if sent.epoch > epoch:  # its commit is still on the way
            at = next(i for i, one in enumerate(inbox) if one.content is None)
            sent = inbox[at]
        if sent.content is None:
            if any(one.content is None for one in list(inbox)[:at]):
                at = next(i for i, one in enumerate(inbox) if one.content is None)
                sent = inbox[at]
            messages = [one for one in inbox if one.content is not None and one.epoch <= epoch]
            # mls-rs looks a sender up in the tree of today: what a removed device said comes before its removal
            late = [
                one for one in messages if one.epoch <= epoch + 1 - LATE_EPOCHS or one.sender is sent.removes
            ]
            for one in late:
                inbox.remove(one)
                self.must_read(device, one)
        inbox.remove(sent)
        self.must_read(device, sent)

    def must_read(self, device: GroupDevice, sent: Sent) -> None:
        try:
            content = device.open(sent.envelope)
        except UnreadableError as problem:
            self.differences.append(
                f"{device.name} in {self.epoch[device.name]}: {sent[0::2]} unread: {problem}"
            )
            return
        if content != sent.content:
            self.differences.append(f"{device.name}: {sent.content!r} was read as {content!r}")
        if sent.content is None:
            self.epoch[device.name] += 1
        else:
            self.counts["read"] += 1
            self.read.append((device, sent.envelope))

    def must_not_read(self, device: GroupDevice, envelope: bytes, why: str) -> None:
        self.counts[why] += 1
        try:
            device.open(envelope)
        except UnreadableError:
            return
        self.differences.append(f"{device.name} has read what was {why}")

    def catch_up(self, device: GroupDevice) -> None:
        while self.inbox[device.name]:
            self.take(device, 0)

    def committed(self, by: GroupDevice, commit: bytes, removes: GroupDevice | None = None) -> None:
        by.apply()
        for other in self.devices:
            if other is not by:
                self.inbox[other.name].append(Sent(self.epoch[by.name], commit, None, by, removes))
        self.epoch[by.name] += 1
        self.latest = self.epoch[by.name]
        self.counts["commits"] += 1

    def update(self) -> None:
        device = self.random.choice(self.devices)
        self.catch_up(device)
        commit, _ = device.commit([], [])
        self.committed(device, commit)

    def add(self, by: GroupDevice, new: GroupDevice) -> None:
        commit, welcome = by.commit([new.package()], [])
        self.committed(by, commit)
        assert welcome is not None
        new.join(welcome)
        self.devices.append(new)
        self.inbox[new.name], self.epoch[new.name] = deque(), self.latest
        self.joined[new.name] = self.latest

    def come(self) -> None:
        if len(self.devices) >= 5:
            return
        before = self.devices[0].seal(b"before it came")
        by, new = self.random.choice(self.devices), self.new()
        self.catch_up(by)
        self.add(by, new)
        self.must_not_read(new, before, "sent before")

    def leave(self) -> None:
        by, other = self.random.sample(self.devices, 2)
        self.catch_up(by)
        if len(self.devices) < 3 or not by.can_remove(other.public):
            return
        try:
            commit, _ = by.commit([], [other.public])
        except MessagingError:
            self.counts["left half"] += 1
            return
        self.devices.remove(other)
        self.committed(by, commit, other)
        self.gone = [*self.gone[-3:], (other, self.latest)]
        self.must_not_read(other, by.seal(b"after it left"), "removed")

    def restart(self) -> None:
        self.random.choice(self.devices).restart()
        self.counts["restarts"] += 1

    def replay(self) -> None:
        if self.read:
            device, envelope = self.random.choice(self.read)
            if device in self.devices:
                self.must_not_read(device, envelope, "replayed")

    def forge(self) -> None:
        for device in self.devices:
            fitting = [one for one in self.inbox[device.name] if one.epoch == self.epoch[device.name]]
            if fitting:
                envelope = self.random.choice(fitting).envelope
                at = self.random.randrange(len(envelope))
                forged = (
                    envelope[:at] + bytes([envelope[at] ^ 1 << self.random.randrange(8)]) + envelope[at + 1 :]
                )
                self.must_not_read(device, forged, "forged")
                return

    def overhear(self, sender: GroupDevice, envelope: bytes) -> None:
        for device, since in self.gone:
            if self.epoch[sender.name] >= since and self.random.random() < 0.2:
                self.must_not_read(device, envelope, "removed")

    def agree(self) -> None:
        wanted = {device.public for device in self.devices}
        for device in self.devices:
            if device.members() != wanted:
                self.differences.append(f"{device.name} sees other members")
