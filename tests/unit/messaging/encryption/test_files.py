import json
import os
import secrets
import subprocess
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from support.messaging import JAVASCRIPT, ROOT, node

from rtlab.errors import MessagingError, UnreadableError
from rtlab.messaging.encryption.files import (
    CHUNK,
    LARGEST,
    SEALED,
    TAG,
    count_of,
    open_chunk,
    sealed_chunks,
    sealed_size,
)

SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK)
KEY = bytes(range(32))
CONTENT = secrets.token_bytes(2 * CHUNK + 777)
CHUNKS = list(sealed_chunks(KEY, CONTENT))


def opened_here(index: int, chunk: bytes, size: int = len(CONTENT), key: bytes = KEY) -> bytes:
    return open_chunk(key, size, index, chunk)


class Browser:
    """The browser's code in a process of Node."""

    def __init__(self) -> None:
        program = ROOT / "tests" / "support" / "messaging_files.mjs"
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([node(), program, JAVASCRIPT], stdin=pipe, stdout=pipe, text=True)

    def ask(self, **what: object) -> dict[str, str]:
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def open(self, index: int, chunk: bytes, size: int = len(CONTENT), key: bytes = KEY) -> bytes:
        answer = self.ask(op="open", key=key.hex(), size=size, index=index, chunk=chunk.hex())
        if "refused" in answer:
            assert answer["refused"].startswith("UnreadableError")
            raise UnreadableError(answer["refused"])
        return bytes.fromhex(answer["content"])

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    there = Browser()
    yield there
    there.close()


@pytest.fixture(params=["Python", "JavaScript"])
def opened(request):
    return opened_here if request.param == "Python" else request.getfixturevalue("browser").open


@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_back_and_both_languages_make_the_same_bytes(browser, size):
    content, key = os.urandom(size), secrets.token_bytes(32)
    chunks = list(sealed_chunks(key, content))
    assert (len(chunks), sum(map(len, chunks))) == (count_of(size), sealed_size(size))
    found = [browser.open(i, chunk, size, key) for i, chunk in enumerate(chunks)]
    assert b"".join(found) == content
    assert b"".join(open_chunk(key, size, i, chunk) for i, chunk in enumerate(chunks)) == content
    for i, chunk in enumerate(chunks):
        assert browser.ask(op="seal", key=key.hex(), content=content.hex(), index=i)["chunk"] == chunk.hex()


def test_the_nonce_is_the_index_and_whether_it_is_the_last():
    for index, nonce in enumerate((bytes(12), bytes(10) + b"\1\0", bytes(10) + b"\2\1")):
        plain = CONTENT[index * CHUNK : (index + 1) * CHUNK]
        assert AESGCM(KEY).encrypt(nonce, plain, None) == CHUNKS[index]


FORGERIES = {
    "the first bit changed": (0, bytes([CHUNKS[0][0] ^ 1]) + CHUNKS[0][1:]),
    "the last bit changed": (0, CHUNKS[0][:-1] + bytes([CHUNKS[0][-1] ^ 128])),
    "another chunk in its place": (0, CHUNKS[1]),
    "the last one in another place": (2, CHUNKS[0]),
    "cut short": (1, CHUNKS[1][:-1]),
    "made longer": (1, CHUNKS[1] + b"\0"),
    "empty": (1, b""),
    "a tag and nothing else": (2, CHUNKS[2][-TAG:]),
    "a bomb": (1, bytes(3 * SEALED)),
    "one chunk too many": (3, CHUNKS[2]),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_what_is_not_the_chunk_itself_is_refused(opened, what):
    index, chunk = FORGERIES[what]
    with pytest.raises(UnreadableError, match=r"another length|not genuine"):
        opened(index, chunk)


def test_a_chunk_of_another_file_is_refused(opened):
    other = list(sealed_chunks(secrets.token_bytes(32), CONTENT))
    with pytest.raises(UnreadableError, match="not genuine"):
        opened(1, other[1])


def test_a_file_that_ends_before_its_size_is_refused(opened):
    short = list(sealed_chunks(KEY, CONTENT[: 2 * CHUNK]))  # its second chunk says that it is the last
    assert opened(0, short[0]) == CONTENT[:CHUNK]
    with pytest.raises(UnreadableError, match="not genuine"):
        opened(1, short[1])


def test_a_genuine_chunk_opens_after_forgeries(opened):
    for index, chunk in FORGERIES.values():
        with pytest.raises(UnreadableError):
            opened(index, chunk)
    assert opened(1, CHUNKS[1]) == CONTENT[CHUNK : 2 * CHUNK]


def test_a_file_above_25_mib_is_refused_by_both(browser):
    assert count_of(LARGEST) == 800
    with pytest.raises(MessagingError, match=f"{LARGEST} bytes at most, got {LARGEST + 1}"):
        count_of(LARGEST + 1)
    assert len(browser.ask(op="upload", size=LARGEST)["blob"]) == 32
    assert "MessagingError" in browser.ask(op="upload", size=LARGEST + 1)["refused"]


def test_a_name_leads_nowhere_and_does_not_turn_the_reading_order(browser):
    hostile = "../../etc\\pass\u202egnp.exe\x00:a"
    assert browser.ask(op="name", name=hostile)["name"] == ".._.._etc_pass_gnp.exe__a"
