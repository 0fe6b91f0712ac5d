"""The statement that a wallet signs for a device: readable text with one form only.

Whoever verifies reads the fields, writes the text anew and compares the bytes: what the wallet showed to its owner
and what is believed here cannot differ.
"""

import re
from datetime import UTC, datetime

import msgspec

from rtlab.errors import IdentityError, MessagingError

LONGEST_S = 90 * 24 * 3600
"""The longest life of a statement."""

SKEW_S = 300
"""How far the clocks of two machines may differ."""

LONGEST_TEXT = 1024

SPEAK, REVOKE = "speak", "revoke"
"""What a statement is for: to let a device speak for the account, or to let it speak no more."""

HEADS = {
    SPEAK: (
        "rtlab messaging: let a device speak for an account (version 1)\n"
        "\n"
        "Signing this moves no funds and costs nothing. The device below will read\n"
        "and write messages as this account until the statement expires.\n"
        "\n"
    ),
    REVOKE: (
        "rtlab messaging: revoke a device of an account (version 1)\n"
        "\n"
        "Signing this moves no funds and costs nothing. The device below will no\n"
        "longer be believed to speak for this account. This cannot be undone.\n"
        "\n"
    ),
}
_FIELDS = ("account", "device", "directory", "issued", "expires", "nonce")
_DIRECTORY = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?")
_ACCOUNT = re.compile(r"[a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}")
_HEX = re.compile(r"[0-9a-f]{64}")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """`account` (CAIP-10) lets the `device` (Ed25519 key, 32 bytes) speak for it in a `directory` (host or host:port).

    `issued` and `expires` are Unix seconds, `nonce` 32 random bytes. MessagingError when a field has another form.
    """

    account: str
    device: bytes
    directory: str
    issued: int
    expires: int
    nonce: bytes
    purpose: str = SPEAK

    def __post_init__(self) -> None:
        if self.purpose not in HEADS:
            raise MessagingError("a statement is to speak or to revoke", got=self.purpose)
        if not _ACCOUNT.fullmatch(self.account):
            raise MessagingError("an account is no CAIP-10 name", got=self.account)
        if not _DIRECTORY.fullmatch(self.directory):
            raise MessagingError("a directory is no host or host:port in lower case", got=self.directory)
        if len(self.device) != 32 or len(self.nonce) != 32:
            raise MessagingError("a device key and a nonce have 32 bytes each")
        if not 0 <= self.issued < 2**33 or not 0 <= self.expires < 2**33:
            raise MessagingError("a statement's times are no Unix seconds", got=(self.issued, self.expires))

    def text(self) -> str:
        """Write the statement as the wallet shows and signs it; ASCII, no line break at its end."""
        values = (
            self.account,
            self.device.hex(),
            self.directory,
            written(self.issued),
            written(self.expires),
            self.nonce.hex(),
        )
        return HEADS[self.purpose] + "\n".join(
            f"{name}: {value}" for name, value in zip(_FIELDS, values, strict=True)
        )


def read(text: str) -> Statement:
    """Read a statement; IdentityError for any text that is not exactly what `Statement.text` writes."""
    purpose = next((name for name, head in HEADS.items() if text.startswith(head)), None)
    if len(text) > LONGEST_TEXT or purpose is None:
        raise IdentityError("a text is no statement of this version", got=text)
    lines = [line.partition(": ") for line in text[len(HEADS[purpose]) :].split("\n")]
    if tuple(name for name, _, _ in lines) != _FIELDS:
        raise IdentityError("a statement has other fields", expected=", ".join(_FIELDS))
    account, device, directory, issued, expires, nonce = (value for _, _, value in lines)
    if not _HEX.fullmatch(device) or not _HEX.fullmatch(nonce):
        raise IdentityError("a statement's device and nonce are no hexadecimal numbers of 64 digits")
    try:
        statement = Statement(
            account=account,
            device=bytes.fromhex(device),
            directory=directory,
            issued=_seconds(issued),
            expires=_seconds(expires),
            nonce=bytes.fromhex(nonce),
            purpose=purpose,
        )
    except MessagingError as problem:
        raise IdentityError(str(problem)) from None
    if statement.text() != text:
        raise IdentityError("a statement reads otherwise than it is written")
    return statement


def check_time(statement: Statement, now: float) -> None:
    """IdentityError unless the statement holds at `now` (Unix seconds) and for no longer than 90 days in all."""
    if statement.expires - statement.issued > LONGEST_S:
        raise IdentityError("a statement is to last too long", expected="90 days at most")
    if statement.expires <= statement.issued:
        raise IdentityError("a statement expires before it is issued")
    if now + SKEW_S < statement.issued:
        raise IdentityError("a statement is of the future", got=written(statement.issued))
    if now >= statement.expires:
        raise IdentityError("a statement has expired", got=written(statement.expires))


def written(seconds: int) -> str:
    """Write Unix seconds as the statement does."""
    return datetime.fromtimestamp(seconds, UTC).strftime(_TIME)


def _seconds(text: str) -> int:
    try:
        return int(datetime.strptime(text, _TIME).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise IdentityError("a statement's time has another form", expected=_TIME, got=text) from None
