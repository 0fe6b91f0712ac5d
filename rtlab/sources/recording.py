"""Lines of a recorded text file, compressed or not: everything good is given before an error is raised."""

import zlib
from collections.abc import Iterator
from pathlib import Path

from rtlab.errors import SourceError

_BLOCK = 1 << 18  # bytes read at once
_LONGEST = 1 << 24  # bytes of one record; a binary file without line ends stops here, not when memory is full
_GZIP = b"\x1f\x8b"


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a gzip or plain text file without their ends, in order.

    Raises SourceError when the file is missing or unreadable at once; when a gzip stream is damaged or ends
    too early, after every complete line before that point was given. The error names the record, counted from 1.
    """
    number, rest = 0, b""
    try:
        for text in _text(path):
            *complete, rest = (rest + text).split(b"\n")
            for line in complete:
                number += 1
                yield line
            if len(rest) > _LONGEST:
                raise SourceError(
                    f"{path}: record {number + 1} has no end",
                    expected="text, one record a line",
                    got=rest[:40],
                )
    except (zlib.error, EOFError) as error:
        raise SourceError(
            f"{path}: record {number + 1} is cut or damaged",
            expected="a complete gzip file",
            got=f"{number} complete records, then: {error}",
        ) from None
    if rest:
        yield rest


def first_line(path: Path) -> bytes:
    """Give the first line of a file; SourceError when the file is missing, damaged before that, or empty."""
    for line in lines(path):
        return line
    raise SourceError(f"{path}: the file holds no record", expected="one record a line", got="an empty file")


def _text(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            block = file.read(_BLOCK)
            if not block.startswith(_GZIP):
                while block:
                    yield block
                    block = file.read(_BLOCK)
                return
            stream = zlib.decompressobj(wbits=31)
            while block:
                yield from _decompressed(stream, block)
                block = stream.unused_data or file.read(_BLOCK)
                if stream.eof and block:  # a gzip file may be several streams in a row
                    stream = zlib.decompressobj(wbits=31)
            if not stream.eof:
                raise EOFError("the file ends inside the gzip stream")
    except OSError as error:
        raise SourceError(
            f"{path}: the file cannot be read", expected="a recorded file", got=error.strerror or str(error)
        ) from None


def _decompressed(stream: "zlib._Decompress", block: bytes) -> Iterator[bytes]:
    before = stream.copy()
    try:
        text = stream.decompress(block)
    except zlib.error:  # a failing call returns nothing: go again byte by byte, up to the damage
        for index in range(len(block)):
            yield before.decompress(block[index : index + 1])
        raise
    yield text
