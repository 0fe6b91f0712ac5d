"""Who a reader is: signed tokens (JWT), the one algorithm that the key decides, and the list of revoked ones."""

import hashlib
import re
from pathlib import Path
from typing import Annotated, NamedTuple

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Meta

from rtlab.errors import ConfigError, ProtocolError
from rtlab.protocol import Code, Grant

LONGEST_TOKEN = 4096  # characters
SHORTEST_SECRET = 32  # bytes
SMALLEST_RSA = 2048  # bits
REQUIRED = ["exp", "iss", "aud", "sub"]

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class Claims(NamedTuple):
    """What a valid token says: what it grants, its id (its `jti`, or else a digest), until when (Unix seconds)."""

    grant: Grant
    id: str
    expires: float


class _Fields(msgspec.Struct, frozen=True):
    sub: Annotated[str, Meta(min_length=1, max_length=200)]
    exp: float
    channels: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=1000)]
    jti: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    subscriptions: Annotated[int, Meta(ge=0)] | None = None


class Tokens:
    """Judges tokens that are signed with one key, by one issuer, for one audience.

    `key` is a PEM public key (RSA: RS256, P-256: ES256, Ed25519: EdDSA) or a secret of 32 bytes or more (HS256);
    the key alone decides the algorithm, never the token. A token must have `exp`, `iss`, `aud`, `sub` and
    `channels` (see Grant.of), and may have `jti` and `subscriptions`. `leeway_s` is allowed to the clocks.
    ConfigError for a key that is none of these.
    """

    def __init__(
        self,
        key: bytes,
        *,
        issuer: str,
        audience: str,
        leeway_s: float = 10.0,
        revoked: "Revoked | None" = None,
    ) -> None:
        self._key, self.algorithm = _key_of(key)
        self._issuer, self._audience, self._leeway_s = issuer, audience, leeway_s
        self.revoked = revoked or Revoked()

    def verify(self, token: str) -> Claims:
        """Give what `token` says; ProtocolError (4001), which never shows the token, when it is not to be trusted."""
        if len(token) > LONGEST_TOKEN:
            raise _refused("is too long", expected=f"at most {LONGEST_TOKEN} characters", got=len(token))
        try:
            fields = jwt.decode(
                token,
                self._key,
                algorithms=[self.algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway_s,
                options={"require": REQUIRED},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as wrong:
            raise _refused(_why(wrong)) from None
        claims = self._claims(fields, token)
        if claims.id in self.revoked or claims.grant.who in self.revoked:
            raise _refused("was revoked")
        return claims

    def _claims(self, fields: dict[str, object], token: str) -> Claims:
        try:
            known = msgspec.convert(fields, _Fields)
        except msgspec.ValidationError as wrong:
            raise _refused(f"has a claim that is wrong ({wrong})") from None
        grant = Grant.of(known.channels, who=known.sub, subscriptions=known.subscriptions)
        name = known.jti or hashlib.sha256(token.encode()).hexdigest()[:32]
        return Claims(grant, name, known.exp + self._leeway_s)


class Revoked:
    """Token ids and subjects that are not welcome any more: those of a file, one a line, and those added.

    A line that begins with # is a comment. `reload` reads the file again where it has changed. ConfigError when
    there is no such file at the start; a file that goes away later leaves what was read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._added: set[str] = set()
        self._listed: frozenset[str] = frozenset()
        self._read: tuple[int, int] | None = None  # when it was changed, and its size
        if path is not None and not self.reload():
            raise ConfigError(
                "the list of revoked tokens cannot be read", expected="a text file", got=str(path)
            )

    def __contains__(self, name: str) -> bool:
        return name in self._listed or name in self._added

    def add(self, name: str) -> None:
        """Revoke a token's id, or all tokens of a subject."""
        self._added.add(name)

    def reload(self) -> bool:
        """Read the file where it changed since it was read; False when it cannot be read."""
        if self.path is None:
            return True
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
            if seen != self._read:
                lines = map(str.strip, self.path.read_text().splitlines())
                self._listed = frozenset(line for line in lines if line and not line.startswith("#"))
                self._read = seen
        except (OSError, UnicodeDecodeError):
            return False
        return True


def read_key(path: Path) -> bytes:
    """Give the bytes of a key file; ConfigError, which does not show them, when there is none."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"the key file {path} cannot be read", got=problem.strerror) from None


def _key_of(key: bytes) -> tuple[PublicKey | bytes, str]:
    if not re.search(rb"-----BEGIN |^(ssh|ecdsa)-", key):
        secret = key.strip()
        if len(secret) < SHORTEST_SECRET:
            raise ConfigError(
                "the secret of the tokens is too short",
                expected=f"{SHORTEST_SECRET} bytes or more",
                got=len(secret),
            )
        return secret, "HS256"
    try:
        public = load_pem_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        public = None
    match public:
        case RSAPublicKey() if public.key_size >= SMALLEST_RSA:
            return public, "RS256"
        case EllipticCurvePublicKey(curve=SECP256R1()):
            return public, "ES256"
        case Ed25519PublicKey():
            return public, "EdDSA"
    raise ConfigError(
        "the key of the tokens is not one that we take",
        expected=f"a PEM public key, RSA of {SMALLEST_RSA} bits or more, P-256 or Ed25519",
    )


def _why(wrong: Exception) -> str:
    match wrong:
        case jwt.ExpiredSignatureError():
            return "has ended"
        case jwt.ImmatureSignatureError():
            return "is not valid yet"
        case jwt.MissingRequiredClaimError():
            return f"lacks the claim {wrong.claim!r}"
        case jwt.InvalidIssuerError():
            return "is of another issuer"
        case jwt.InvalidAudienceError():
            return "is for another audience"
        case jwt.InvalidAlgorithmError():
            return "is signed in another way than this feed's tokens are"
        case jwt.InvalidSignatureError():
            return "is not signed with the key of this feed"
    return "is not a token"


def _refused(why: str, *, expected: str | None = None, got: object = None) -> ProtocolError:
    return ProtocolError(f"the client's token {why}", code=Code.UNAUTHORISED, expected=expected, got=got)
