"""Where cold files lie: a folder of this machine, or a bucket of any S3-compatible store.

A file is visible whole or not at all: here it is written aside, synced and renamed; a bucket gets it under another
name, which is then moved. What is half done lies under `tmp/`, where no reader looks.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import pyarrow.fs as pafs

from rtlab.errors import ConfigError, StoreError

ASIDE = "tmp"


class Place(Protocol):
    """What the store asks of where its files lie. Paths are relative, with `/`; StoreError when it takes nothing."""

    filesystem: pafs.FileSystem
    root: str

    def put(self, made: Path, path: str) -> None:
        """Move a whole file of this machine to `path`."""

    def write(self, path: str, content: bytes) -> None:
        """Make `path` hold this, in place of what it held."""

    def read(self, path: str) -> bytes:
        """Give a file; FileNotFoundError when there is none."""

    def delete(self, path: str) -> None:
        """Take a file away, if it is there."""

    def paths(self, under: str) -> list[str]:
        """Give all files below a folder."""


@contextmanager
def told(what: str) -> Iterator[None]:
    """Make an error of the file system one of the store, which names `what` was in use."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise StoreError(f"{what} cannot be used: {problem.strerror or problem}") from problem


def make_folder(folder: Path) -> None:
    """Make a folder of this machine, and those above it, unless it is there; StoreError when it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreError(
            f"the folder {folder} cannot be made: {problem.strerror or problem}",
            expected="a place where files may be written",
        ) from None


class LocalPlace:
    """A folder of this machine; StoreError for a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        with told(str(self.folder)):
            is_file = self.folder.is_file()
        if is_file:
            raise StoreError(f"{folder} is a file", expected="the folder of a store")
        self.root = str(self.folder)
        self.filesystem = pafs.LocalFileSystem()

    def put(self, made: Path, path: str) -> None:
        """Sync and rename."""
        target = self.folder / path
        with told(str(target)):
            with made.open("rb+") as file:
                os.fsync(file.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            made.replace(target)
            _sync_folder(target.parent)

    def write(self, path: str, content: bytes) -> None:
        """Write aside, sync and rename."""
        aside = self.folder / ASIDE / f"{os.getpid()}-{path.replace('/', '_')}"
        with told(str(self.folder / path)):
            aside.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
        self.put(aside, path)

    def read(self, path: str) -> bytes:
        """Read it."""
        return (self.folder / path).read_bytes()

    def delete(self, path: str) -> None:
        """Unlink it."""
        (self.folder / path).unlink(missing_ok=True)

    def paths(self, under: str) -> list[str]:
        """Walk; what others take away meanwhile is not there."""
        walk = os.walk(self.folder / under, onerror=_unless_gone)
        return sorted(str(Path(at, name).relative_to(self.folder)) for at, _, names in walk for name in names)


class BucketPlace:
    """A bucket: `s3://bucket/prefix?endpoint=http://host:port`; keys come from AWS_* or the query."""

    def __init__(self, url: str) -> None:
        self.filesystem, self.root = _bucket(url)

    def put(self, made: Path, path: str) -> None:
        """Upload aside, move, and forget the file of this machine."""
        self._upload(made.read_bytes(), path)
        made.unlink()

    def write(self, path: str, content: bytes) -> None:
        """Upload aside and move."""
        self._upload(content, path)

    def _upload(self, content: bytes, path: str) -> None:
        aside = f"{self.root}/{ASIDE}/{os.getpid()}-{path.replace('/', '_')}"
        with told(f"{self.root}/{path}"):
            with self.filesystem.open_output_stream(aside) as stream:
                stream.write(content)
            self.filesystem.move(aside, f"{self.root}/{path}")

    def read(self, path: str) -> bytes:
        """Download it."""
        where = f"{self.root}/{path}"
        with told(where), self.filesystem.open_input_stream(where) as stream:
            content: bytes = stream.read()
            return content

    def delete(self, path: str) -> None:
        """Delete the object."""
        where = f"{self.root}/{path}"
        with contextlib.suppress(FileNotFoundError), told(where):
            self.filesystem.delete_file(where)

    def paths(self, under: str) -> list[str]:
        """List them."""
        selector = pafs.FileSelector(f"{self.root}/{under}", allow_not_found=True, recursive=True)
        with told(f"{self.root}/{under}"):
            infos = self.filesystem.get_file_info(selector)
        found = [one.path for one in infos if one.type == pafs.FileType.File]
        return sorted(path.removeprefix(f"{self.root}/") for path in found)


def place_of(where: str | Path) -> Place:
    """Give the place of a path or an s3:// URL."""
    text = str(where)
    if text.startswith("s3://"):
        return BucketPlace(text)
    if "://" in text:
        raise ConfigError(
            "the store lies in no such place", expected="a folder or s3://bucket/prefix", got=text
        )
    return LocalPlace(Path(text))


def _bucket(url: str) -> tuple[pafs.FileSystem, str]:
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    endpoint = urlsplit(query.get("endpoint", ""))
    more: dict[str, str] = {
        name: query[name] for name in ("access_key", "secret_key", "region") if name in query
    }
    if endpoint.netloc:
        more |= {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme}
    filesystem = pafs.S3FileSystem(**more, connect_timeout=5, request_timeout=20, background_writes=False)
    return filesystem, (parts.netloc + parts.path).rstrip("/")


def _unless_gone(problem: OSError) -> None:
    if not isinstance(problem, FileNotFoundError):
        raise problem


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # which cannot open a folder
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def forget_aside(folder: Path) -> None:
    """Take away what was left half done."""
    shutil.rmtree(folder, ignore_errors=True)
