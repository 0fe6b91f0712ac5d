import pytest

from rtlab.errors import UnreadableError
from rtlab.messaging.encryption.envelope import Device
from rtlab.messaging.encryption.groups import MlsRsGroups
from rtlab.messaging.encryption.leaves import group_of, leaf_of_key_package, leaves_of

DEVICES = [Device() for _ in range(5)]
GROUPS = [MlsRsGroups(device, f"member {n}".encode() * 30) for n, device in enumerate(DEVICES)]
YEAR = 366 * 24 * 3600


def group_of_five():
    group = GROUPS[0].create(b"of five")
    committed = group.commit([one.key_package() for one in GROUPS[1:]])
    group.apply(committed)
    return group


def test_all_members_of_a_tree_are_found_with_their_credentials():
    found = group_of_five().members()
    assert [leaf.device for leaf in found] == [device.public for device in DEVICES]
    assert [leaf.credential for leaf in found] == [f"member {n}".encode() * 30 for n in range(5)]


def test_blank_leaves_and_leaves_of_commits_are_read():
    first = group_of_five()
    committed = first.commit()
    first.apply(committed)  # the own leaf is now one of a commit, the parents are not blank
    assert [leaf.not_after > 0 for leaf in first.members()] == [False, True, True, True, True]


def test_a_key_package_says_whose_it_is_and_how_long_it_holds():
    leaf = leaf_of_key_package(GROUPS[1].key_package())
    assert (leaf.device, leaf.credential) == (DEVICES[1].public, b"member 1" * 30)
    assert 0 < leaf.not_after - leaf.not_before <= YEAR


def test_every_truncation_is_refused():
    package, tree = GROUPS[1].key_package(), group_of_five()._group.export_tree().bytes
    for size in range(0, len(package), 3):
        with pytest.raises(UnreadableError):
            leaf_of_key_package(package[:size])
    for size in range(0, len(tree), 17):
        with pytest.raises(UnreadableError):
            leaves_of(tree[:size])
    with pytest.raises(UnreadableError, match="left over"):
        leaf_of_key_package(package + b"\0")


def test_other_suites_and_kinds_are_refused():
    package = GROUPS[1].key_package()
    for at, value in ((1, 2), (3, 3), (5, 0), (7, 2)):
        with pytest.raises(UnreadableError):
            leaf_of_key_package(package[:at] + bytes([value]) + package[at + 1 :])
    with pytest.raises(UnreadableError, match="no message of MLS"):
        group_of(package)
    with pytest.raises(UnreadableError, match="length that is none"):
        leaves_of(b"\xc0" + bytes(20))
    with pytest.raises(UnreadableError, match="none"):
        leaves_of(b"\x02\x01\x07")


def test_the_group_of_a_message_and_of_a_commit_is_in_the_clear():
    group = group_of_five()
    assert group_of(group.encrypt(b"text")) == b"of five"
    assert group_of(group.commit().commit) == b"of five"
