"""The log of a deployment: who has rows appends them, the shards read them, and anybody reads what came of them."""

from decimal import Decimal
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rtlab.errors import ConfigError, FullError, StoreError, UnreachableError
from rtlab.model import Instrument
from rtlab.pipelines.cluster.keys import instruments_key, keys_of
from rtlab.pipelines.cluster.packed import pack_rows
from rtlab.pipelines.cluster.results import table_of, unpack_results
from rtlab.pipelines.cluster.scripts import REGISTER
from rtlab.pipelines.frame import Frame, Integers

ANSWER_S = 5.0
LONGEST_LOG = 1_000_000


def connect(url: str, called: str | None = None) -> "redis.Redis":
    """Give a client that tries nothing twice by itself, and is `called` so in Redis's list of clients.

    ConfigError for what is no address.
    """
    try:
        return redis.Redis.from_url(
            url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=1.0,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            client_name=called,
        )
    except ValueError as problem:
        raise ConfigError(
            "this is not the address of a Redis", expected="redis:// or unix://", got=url
        ) from problem


def is_full(problem: Exception) -> bool:
    """Tell whether Redis refused for want of memory."""
    return "OOM" in str(problem) or "maxmemory" in str(problem)


class Log:
    """The log of the deployment `name` in the Redis at `url`; `with Log(...) as log`.

    It holds at most `limit` entries an instrument that nobody has folded yet: then `append` raises FullError. What
    was folded and committed is trimmed by the shards.
    """

    def __init__(self, url: str, name: str, *, limit: int = LONGEST_LOG) -> None:
        self.url, self.name, self.limit = url, name, limit
        self._redis: Any = connect(url)
        self._known: set[str] = set()

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave Redis."""
        self._redis.close()

    def append(self, instrument: Instrument, first_seq: int, rows: Integers) -> str:
        """Append rows number `first_seq` on as one entry; give its id. All or nothing.

        FullError when the shards are too far behind, or Redis has no memory left; UnreachableError when it is gone.
        """
        entry, keys = pack_rows(first_seq, rows), keys_of(self.name, instrument.symbol)
        try:
            if instrument.symbol not in self._known:
                self._redis.eval(REGISTER, 1, instruments_key(self.name), *_told(instrument))
                self._known.add(instrument.symbol)
            length = int(self._redis.xlen(keys.log))
            if length >= self.limit:
                raise FullError(
                    f"the log of {instrument.symbol} is full", expected=f"below {self.limit:,}", got=length
                )
            return str(self._redis.xadd(keys.log, {"d": entry}).decode())
        except redis.exceptions.ResponseError as problem:
            if is_full(problem):
                raise FullError("Redis has no memory left for the log", got=str(problem)) from problem
            raise StoreError(f"the log cannot be written: {problem}") from problem
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as problem:
            raise UnreachableError(f"the Redis of {self.url} does not answer: {problem}") from problem

    def instruments(self) -> dict[str, Instrument]:
        """Give the instruments of which there are rows, by symbol."""
        return read_instruments(self._redis, self.name)

    def results(self, symbol: str, output: str) -> Frame | None:
        """Give all rows of an output that are kept, as one frame; of bars the last version of each. None: no row."""
        instrument = self.instruments().get(symbol)
        if instrument is None:
            raise ConfigError("there is no such instrument", expected=list(self.instruments()), got=symbol)
        entries = self._redis.xrange(keys_of(self.name, symbol).results)
        came = [one for _, fields in entries for one in unpack_results(fields[b"r"], instrument)]
        return table_of([one.frame for one in came if one.output == output])

    def state(self, symbol: str) -> bytes | None:
        """Give the committed state of an instrument's graph."""
        found: bytes | None = self._redis.hget(keys_of(self.name, symbol).checkpoint, "state")
        return found

    def dead(self, symbol: str) -> list[tuple[bytes, str]]:
        """Give the entries that nobody could fold, with their reasons."""
        entries = self._redis.xrange(keys_of(self.name, symbol).dead)
        return [(fields[b"d"], fields[b"reason"].decode()) for _, fields in entries]


def read_instruments(client: Any, name: str) -> dict[str, Instrument]:
    """Read a deployment's instruments."""
    return {symbol: instrument for symbol, (instrument, _) in read_numbered(client, name).items()}


def read_numbered(client: Any, name: str) -> dict[str, tuple[Instrument, int]]:
    """Read a deployment's instruments, each with its number in the order in which they came."""
    found = {}
    for symbol, said in sorted(client.hgetall(instruments_key(name)).items()):
        tick, lot, number = said.decode().split()
        found[symbol.decode()] = Instrument(symbol.decode(), Decimal(tick), Decimal(lot)), int(number)
    return found


def _told(instrument: Instrument) -> tuple[str, str]:
    return instrument.symbol, f"{instrument.tick_size} {instrument.lot_size}"
