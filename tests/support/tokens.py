"""Keys and tokens for tests: made here, never kept."""

import time
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rtlab.feed.tokens import Tokens

SECRET = b"0123456789abcdef0123456789abcdef"
ISSUER, AUDIENCE = "https://issuer.example", "rtlab"


@cache
def private_key(kind: str):
    """Give a private key: RS256, ES256 or EdDSA, always the same in one process."""
    if kind == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        ec.generate_private_key(ec.SECP256R1()) if kind == "ES256" else ed25519.Ed25519PrivateKey.generate()
    )


def public_pem(kind: str) -> bytes:
    """Give the PEM of its public half."""
    return private_key(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(**changed: object) -> dict[str, object]:
    """Give claims that are accepted; a changed one that is None is left out."""
    whole = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "exp": time.time() + 600,
        "channels": ["*"],
    } | changed
    return {name: value for name, value in whole.items() if value is not None}


def token(
    key: object = SECRET, algorithm: str = "HS256", headers: dict | None = None, **changed: object
) -> str:
    """Give a signed token."""
    return jwt.encode(claims(**changed), key, algorithm, headers=headers)


def tokens(key: bytes = SECRET, **settings: object) -> Tokens:
    """Give the judge of such tokens."""
    return Tokens(key, issuer=ISSUER, audience=AUDIENCE, **settings)
