"""The groups of a device: an interface, and mls-rs behind it.

Whoever uses it opens the envelope first, saves before anything is sent or acknowledged, and verifies `members` after
`join` and after every commit: who may be in a group is for the caller to say, and he drops a group of strangers.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import mls_rs_uniffi as mls

from rtlab.errors import MessagingError, UnreadableError
from rtlab.messaging.encryption.envelope import Device
from rtlab.messaging.encryption.leaves import Leaf, group_of, leaves_of, left_half_is_empty
from rtlab.messaging.encryption.padding import pad, unpad


class Committed(NamedTuple):
    """A commit that is to be ordered by the relay, and the welcome for those whom it adds."""

    commit: bytes
    welcome: bytes | None


class Received(NamedTuple):
    """What a payload of a group was: a content, or a commit that changed the group (None)."""

    content: bytes | None


class Group(Protocol):
    """One conversation as one device sees it."""

    def members(self) -> list[Leaf]:
        """Give everybody who is in it now."""

    def encrypt(self, content: bytes) -> bytes:
        """Encrypt a content for the others."""

    def receive(self, payload: bytes) -> Received:
        """Read what another member sent; UnreadableError when it cannot be read."""

    def commit(self, add: Sequence[bytes] = ()) -> Committed:
        """Add key packages, or only bring new keys; it holds after `apply`."""

    def remove(self, device: bytes) -> Committed:
        """Remove a device that has said something in this group; it holds after `apply`."""

    def apply(self, committed: Committed) -> None:
        """Take the own commit, which the relay has ordered."""

    def save(self) -> None:
        """Write to the storage of the groups."""


class MlsRsGroups:
    """The groups of one device by mls-rs. Key packages, unlike groups, are lost with the process."""

    def __init__(
        self, device: Device, credential: bytes, storage: mls.GroupStateStorage | None = None
    ) -> None:
        keys = mls.SignatureKeypair(
            cipher_suite=mls.CipherSuite.CURVE25519_AES128,
            public_key=mls.SignaturePublicKey(bytes=device.public),
            secret_key=mls.SignatureSecretKey(bytes=device.seed + device.public),
        )
        config = mls.client_config_default()
        if storage is not None:
            config = mls.ClientConfig(group_state_storage=storage, use_ratchet_tree_extension=True)
        self._client = mls.Client(credential, keys, config)

    def key_package(self) -> bytes:
        """Give a new key package, by which others may add this device to a group once."""
        return bytes(self._client.generate_key_package_message().to_bytes())

    def create(self, ident: bytes) -> "MlsRsGroup":
        """Create a group of this device alone."""
        return MlsRsGroup(self._client.create_group(ident))

    def join(self, welcome: bytes) -> "MlsRsGroup":
        """Join by a welcome; UnreadableError when it is not for a key package of this device."""
        try:
            return MlsRsGroup(self._client.join_group(None, mls.Message.from_bytes(welcome)).group)
        except mls.Error as problem:
            raise UnreadableError(f"a welcome cannot be read: {problem}") from None

    def load(self, ident: bytes) -> "MlsRsGroup":
        """Give a group from the storage; MessagingError when it holds none of this id."""
        try:
            return MlsRsGroup(self._client.load_group(ident))
        except mls.Error as problem:
            raise MessagingError(f"a group cannot be loaded: {problem}", got=ident.hex()) from None


class MlsRsGroup:
    """One group by mls-rs; see Group."""

    def __init__(self, group: mls.Group) -> None:
        self._group = group
        self._seen: dict[bytes, mls.SigningIdentity] = {}
        self._ident = b""

    @property
    def ident(self) -> bytes:
        """The id of the group, which mls-rs shows in what it sends only: of a message that goes nowhere."""
        if not self._ident:
            self._ident = group_of(self.encrypt(b""))
        return self._ident

    def members(self) -> list[Leaf]:
        """Give everybody who is in it now."""
        return leaves_of(self._group.export_tree().bytes)

    def encrypt(self, content: bytes) -> bytes:
        """Encrypt a content for the others, padded to a bucket."""
        return bytes(self._group.encrypt_application_message(pad(content)).to_bytes())

    def receive(self, payload: bytes, sender: bytes | None = None) -> Received:
        """Read what `sender` (whose envelope it was) sent; UnreadableError when it cannot be read."""
        try:
            received = self._group.process_incoming_message(mls.Message.from_bytes(payload))
        except mls.Error as problem:
            raise UnreadableError(f"a message cannot be read: {problem}") from None
        if received.is_application_message():
            if sender is not None:
                self._seen[sender] = received.sender
            return Received(unpad(received.data))
        if not received.is_commit():
            raise UnreadableError("a proposal without a commit is not known here")
        return Received(None)

    def commit(self, add: Sequence[bytes] = ()) -> Committed:
        """Add key packages, or only bring new keys; it holds after `apply`. UnreadableError for what is no package."""
        try:
            packages = [mls.Message.from_bytes(one) for one in add]
            return _committed(self._group.add_members(packages) if packages else self._group.commit())
        except mls.Error as problem:
            raise UnreadableError(f"a key package cannot be added: {problem}") from None

    def remove(self, device: bytes) -> Committed:
        """Remove a device; MessagingError when it has said nothing here, for mls-rs knows it by what it said, or when
        the left half of the tree would be empty.
        """
        identity = self._seen.get(device)
        if identity is None:
            raise MessagingError(
                "a device that has said nothing cannot be removed from here", got=device.hex()
            )
        if left_half_is_empty(leaf.place for leaf in self.members() if leaf.device != device):
            raise MessagingError("the left half of a group would be empty: start a new one")
        return _committed(self._group.remove_members([identity]))

    def apply(self, committed: Committed) -> None:
        """Take the own commit, which the relay has ordered."""
        self._group.process_incoming_message(mls.Message.from_bytes(committed.commit))

    def exported(self, label: bytes, context: bytes, size: int) -> bytes:
        """Give a secret that all members have alike in this epoch (RFC 9420, section 8.5)."""
        return bytes(self._group.export_secret(label, context, size))

    def save(self) -> None:
        """Write to the storage of the groups."""
        self._group.write_to_storage()


def _committed(output: mls.CommitOutput) -> Committed:
    welcome = output.welcome_message
    return Committed(
        bytes(output.commit_message.to_bytes()), None if welcome is None else bytes(welcome.to_bytes())
    )
