import mls_rs_uniffi as mls
import pytest

from rtlab.errors import MessagingError, UnreadableError
from rtlab.messaging.encryption.envelope import Device
from rtlab.messaging.encryption.groups import MlsRsGroup, MlsRsGroups


class Kept(mls.GroupStateStorage):
    """A storage in memory that can be handed to another process's client."""

    def __init__(self) -> None:
        self.states: dict[bytes, bytes] = {}
        self.epochs: dict[tuple[bytes, int], bytes] = {}

    def state(self, group_id):
        return self.states.get(group_id)

    def epoch(self, group_id, epoch_id):
        return self.epochs.get((group_id, epoch_id))

    def write(self, group_id, group_state, epoch_inserts, epoch_updates):
        self.states[group_id] = group_state
        for record in [*epoch_inserts, *epoch_updates]:
            self.epochs[group_id, record.id] = record.data

    def max_epoch_id(self, group_id):
        return max((epoch for group, epoch in self.epochs if group == group_id), default=None)


def two(storage=None) -> tuple[MlsRsGroup, MlsRsGroup, list[Device]]:
    devices = [Device(), Device()]
    one, other = MlsRsGroups(devices[0], b"one"), MlsRsGroups(devices[1], b"other", storage)
    group = one.create(b"group")
    committed = group.commit([other.key_package()])
    group.apply(committed)
    return group, other.join(committed.welcome), devices


def test_what_one_encrypts_the_other_reads_once():
    one, other, devices = two()
    payload = one.encrypt(b"hello")
    assert b"hello" not in payload
    assert other.receive(payload, devices[0].public).content == b"hello"
    with pytest.raises(UnreadableError):
        other.receive(payload)


def test_messages_are_read_in_any_order_within_the_window():
    one, other, _ = two()
    payloads = [one.encrypt(f"{n}".encode()) for n in range(1000)]
    for n in (999, 0, 500, 998):
        assert other.receive(payloads[n]).content == f"{n}".encode()


def test_new_keys_hold_after_the_commit_was_applied():
    one, other, _ = two()
    before = other.exported(b"label", b"context", 32)
    committed = one.commit()
    assert committed.welcome is None
    assert one.exported(b"label", b"context", 32) == before
    one.apply(committed)
    assert other.receive(committed.commit).content is None
    assert one.exported(b"label", b"context", 32) == other.exported(b"label", b"context", 32) != before


def test_a_device_is_removed_once_it_has_been_heard():
    one, other, devices = two()
    with pytest.raises(MessagingError, match="said nothing"):
        one.remove(devices[1].public)
    one.receive(other.encrypt(b"here I am"), devices[1].public)
    committed = one.remove(devices[1].public)
    one.apply(committed)
    other.receive(committed.commit)
    assert [leaf.credential for leaf in one.members()] == [b"one"]
    with pytest.raises(UnreadableError):
        other.receive(one.encrypt(b"secret"))


def test_a_group_goes_on_from_its_storage():
    storage = Kept()
    one, other, devices = two(storage)
    other.receive(one.encrypt(b"first"))
    other.save()
    again = MlsRsGroups(devices[1], b"other", storage).load(b"group")
    assert again.receive(one.encrypt(b"second")).content == b"second"
    with pytest.raises(MessagingError, match="cannot be loaded"):
        MlsRsGroups(devices[1], b"other", Kept()).load(b"group")


def test_a_welcome_for_somebody_else_is_refused():
    stranger = MlsRsGroups(Device(), b"stranger")
    stranger.key_package()
    group = MlsRsGroups(Device(), b"one").create(b"group")
    committed = group.commit([MlsRsGroups(Device(), b"other").key_package()])
    with pytest.raises(UnreadableError, match="welcome"):
        stranger.join(committed.welcome)
    with pytest.raises(UnreadableError):
        stranger.join(b"rubbish")


def test_a_package_of_another_device_is_in_the_tree_as_what_it_is():
    """The caller sees who was added and can refuse: mls-rs takes any credential that is not there yet."""
    devices = [Device(), Device()]
    group = MlsRsGroups(devices[0], b"one").create(b"group")
    group.apply(group.commit([MlsRsGroups(devices[1], b"two, or so it says").key_package()]))
    assert [(leaf.credential, leaf.device) for leaf in group.members()] == [
        (b"one", devices[0].public),
        (b"two, or so it says", devices[1].public),
    ]


def test_a_package_that_is_none_or_of_a_member_cannot_be_added():
    one, _, devices = two()
    for package in (b"rubbish", one.encrypt(b"text"), MlsRsGroups(devices[1], b"other").key_package()):
        with pytest.raises(UnreadableError, match="cannot be added"):
            one.commit([package])


def test_rubbish_is_unreadable():
    one, _, _ = two()
    for payload in (b"", b"rubbish", bytes(100), one.encrypt(b"own")):
        with pytest.raises(UnreadableError):
            one.receive(payload)
