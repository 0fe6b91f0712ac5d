import subprocess
from pathlib import Path

import pytest
from support.messaging import JAVASCRIPT, node

from rtlab.errors import UnreadableError
from rtlab.messaging.encryption.envelope import Device, Kind, open_envelope, read_envelope

DEVICE = Device(bytes(range(32)))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("payload", [b"", b"payload", bytes(40_000)], ids=len)
def test_an_envelope_gives_what_was_put_in_and_by_whom(kind, payload):
    opened = open_envelope(DEVICE.seal(kind, payload, b"i" * 16))
    assert opened == (kind, DEVICE.public, b"i" * 16, payload)


@pytest.mark.parametrize("kind", Kind)
def test_every_flipped_bit_is_refused(kind):
    envelope = DEVICE.seal(kind, b"some payload")
    for at in range(len(envelope)):
        for bit in range(8):
            forged = envelope[:at] + bytes([envelope[at] ^ 1 << bit]) + envelope[at + 1 :]
            with pytest.raises(UnreadableError):
                open_envelope(forged)


def test_a_truncated_or_extended_envelope_is_refused():
    envelope = DEVICE.seal(Kind.MESSAGE, b"some payload")
    for size in range(len(envelope)):
        with pytest.raises(UnreadableError):
            open_envelope(envelope[:size])
    for more in (b"\0", envelope):
        with pytest.raises(UnreadableError):
            open_envelope(envelope + more)


def test_another_device_cannot_claim_a_payload():
    envelope, other = DEVICE.seal(Kind.MESSAGE, b"mine"), Device()
    with pytest.raises(UnreadableError, match="not signed by its sender"):
        open_envelope(envelope[:5] + other.public + envelope[37:])
    assert read_envelope(envelope[:5] + other.public + envelope[37:]).sender == other.public


def test_no_other_use_of_the_key_signs_an_envelope():
    envelope = DEVICE.seal(Kind.MESSAGE, b"mine")
    bare = envelope[:-64] + DEVICE.sign(envelope[:-64])
    with pytest.raises(UnreadableError):
        open_envelope(bare)


def test_identifiers_differ_and_the_secret_does_not_show():
    assert DEVICE.seal(Kind.MESSAGE, b"x")[37:53] != DEVICE.seal(Kind.MESSAGE, b"x")[37:53]
    assert DEVICE.seed.hex() not in repr(DEVICE)


def test_javascript_seals_the_same_bytes_and_opens_ours(tmp_path):
    ours = DEVICE.seal(Kind.COMMIT, b"payload", b"i" * 16)
    (tmp_path / "envelope").write_bytes(ours)
    program = f"""
import {{ readFileSync }} from "node:fs"
const {{ open, seal }} = await import("{Path(JAVASCRIPT).as_uri()}/src/mls/envelope.js")
const ours = new Uint8Array(readFileSync("{tmp_path}/envelope"))
const {{ kind, sender, id, payload }} = await open(ours)
const secretKey = Uint8Array.from({{ length: 32 }}, (_, i) => i)
const again = await seal(kind, {{ publicKey: sender, secretKey }}, payload, id)
process.stdout.write(Buffer.from(again).toString("hex"))
"""
    done = subprocess.run(
        [node(), "--input-type=module", "-e", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ours.hex(), done.stderr
