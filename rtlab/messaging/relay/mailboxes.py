"""Mailboxes on Redis: envelopes are put in, many at a time, and read from a cursor on."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from rtlab.errors import StoreError
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.messages import Mail, Send
from rtlab.messaging.relay.scripts import COMMIT, STORE

PAGE = 200
SYNC_MS = 10_000
_LARGEST_RUN = 128


class Parcel(NamedTuple):
    """An envelope to be stored, and whose it is."""

    sender: str
    account: str
    ident: bytes
    send: Send


class Placed(NamedTuple):
    """Where an envelope lies."""

    device: str
    cursor: int
    stranger: str | None


class Outcome(NamedTuple):
    """What became of a parcel: why it was refused (None: it was not), the mailboxes that have it now, the epoch."""

    refused: str | None
    placed: list[Placed]
    duplicates: int = 0
    epoch: int | None = None


class Mailboxes:
    """The mailboxes under a prefix of one Redis. `synced`: what is stored is on its disk, not only in its hands."""

    def __init__(self, redis: Redis, prefix: str, limits: RelayLimits, *, synced: bool = False) -> None:
        self._redis, self._prefix, self._synced = redis, prefix, synced
        self._bounds: list[str | int] = [
            prefix,
            limits.mailbox,
            limits.stranger_messages,
            limits.strangers,
            limits.sender_memory,
            limits.sender_memory_s,
        ]

    async def load(self) -> None:
        """Load the scripts; called again by itself where the server has lost them.

        StoreError when what is stored should be synced and the server cannot tell.
        """
        if self._synced:
            try:
                await self._redis.execute_command("WAITAOF", 1, 0, 1)  # type: ignore[no-untyped-call]
            except ResponseError as problem:
                raise StoreError(
                    "the relay's Redis cannot tell what is on its disk",
                    expected="Redis or Valkey 7.2 or newer, with appendonly yes",
                    got=str(problem),
                ) from None
        self._store: str = await self._redis.script_load(STORE)
        self._commit: str = await self._redis.script_load(COMMIT)

    async def store(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Store parcels in their order, as one; redis' errors when it is not known whether they are."""
        try:
            return await self._stored(parcels)
        except NoScriptError:
            await self.load()
            return await self._stored(parcels)

    async def read(self, device: str, after: int) -> list[Mail]:
        """Give the next page of what waits for a device behind a cursor."""
        key, first = f"{self._prefix}:box:{device}", f"({after}-18446744073709551615"
        rows: Any = await self._redis.xrange(key, first, "+", PAGE)
        return [_mail(ident, fields) for ident, fields in rows]

    async def forget(self, read: Sequence[tuple[str, int]]) -> list[int]:
        """Forget what devices have, each up to a cursor; give how many envelopes went of each."""
        pipeline = self._redis.pipeline(transaction=False)
        for device, upto in read:
            pipeline.xtrim(f"{self._prefix}:box:{device}", minid=f"{upto + 1}-0", approximate=False)
        return [int(count) for count in await pipeline.execute()]

    async def _stored(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        pipeline = self._redis.pipeline(transaction=False)
        runs = list(_runs(parcels))
        for run in runs:
            if run[0].send.group is not None:
                pipeline.evalsha(self._commit, 0, *self._bounds, *_commit_arguments(run[0]))
                continue
            arguments: list[Any] = []
            for sender, account, ident, send in run:
                for device in send.to:
                    arguments += (device, sender, account, ident, send.envelope)
            pipeline.evalsha(self._store, 0, *self._bounds, *arguments)
        if self._synced:
            pipeline.execute_command("WAITAOF", 1, 0, SYNC_MS)
        answers = await pipeline.execute()
        if self._synced and answers.pop()[0] < 1:
            raise RedisError(f"Redis did not sync its file within {SYNC_MS} ms")
        outcomes: list[Outcome] = []
        for run, answer in zip(runs, answers, strict=True):
            outcomes += [_committed(run[0], answer)] if run[0].send.group is not None else _sent(run, answer)
        return outcomes


def _mail(ident: bytes, fields: dict[bytes, bytes]) -> Mail:
    return Mail(int(ident.partition(b"-")[0]), fields[b"e"], fields[b"s"].decode() or None)


def _runs(parcels: Sequence[Parcel]) -> Iterator[list[Parcel]]:
    """Cut parcels, in their order, into single commits and runs of what is no commit."""
    run: list[Parcel] = []
    for parcel in parcels:
        if parcel.send.group is None and len(run) < _LARGEST_RUN:
            run.append(parcel)
            continue
        if run:
            yield run
        run = [] if parcel.send.group is not None else [parcel]
        if parcel.send.group is not None:
            yield [parcel]
    if run:
        yield run


def _commit_arguments(parcel: Parcel) -> list[Any]:
    send = parcel.send
    ours = (parcel.sender, parcel.account, parcel.ident, send.envelope, send.group, send.epoch)
    return [*ours, len(send.to), *send.to, *(send.members or [])]


def _sent(run: list[Parcel], answer: list[Any]) -> list[Outcome]:
    outcomes, results = [], iter(answer)
    for parcel in run:
        outcomes.append(_placed(parcel.send.to, [next(results) for _ in parcel.send.to]))
    return outcomes


def _committed(parcel: Parcel, answer: list[Any]) -> Outcome:
    what, epoch = answer[0].decode(), int(answer[1])
    if what == "again":
        return Outcome(None, [], len(parcel.send.to), epoch)
    if what != "done":
        return Outcome(what, [], epoch=epoch)
    return _placed(parcel.send.to, answer[2:])._replace(epoch=epoch)


def _placed(devices: Sequence[str], results: Sequence[Any]) -> Outcome:
    placed, duplicates, refused = [], 0, None
    for device, result in zip(devices, results, strict=True):
        if isinstance(result, bytes):
            refused = refused or result.decode()
        elif isinstance(result, int):
            duplicates += 1
        else:
            placed.append(Placed(device, int(result[0]), result[1].decode() or None))
    return Outcome(refused, placed, duplicates)
