"""TLS for the gateway: a certificate and its key, from files."""

import ssl
from pathlib import Path

from rtlab.errors import ConfigError


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Give a context that serves `certificate` (PEM, the chain below it in the same file) with its `key`.

    TLS 1.2 or newer. ConfigError when a file cannot be read, is no PEM, is locked, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (certificate, key):
        try:
            path.open("rb").close()
        except OSError as problem:
            raise ConfigError(f"the file {path} cannot be read", got=problem.strerror) from None

    def locked() -> str:
        raise ConfigError(f"the key {key} is locked", expected="a key without a passphrase")

    try:
        context.load_cert_chain(certificate, key, password=locked)
    except ssl.SSLError as problem:
        raise ConfigError(
            "the certificate and its key cannot be used",
            expected=f"PEM files that belong together, {certificate} and {key}",
            got=problem.reason or str(problem),
        ) from None
    return context
