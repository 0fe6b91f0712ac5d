"""What a relay answers beside envelopes: devices come in, publish key packages, look, claim, accept, block, revoke."""

from collections.abc import Callable
from typing import Any, NamedTuple

from redis.asyncio import Redis

from rtlab.errors import IdentityError, UnreadableError
from rtlab.messaging.directory import EMPTY, LONGEST, Head, entry_of, hash_of
from rtlab.messaging.encryption.leaves import leaf_of_key_package
from rtlab.messaging.identity import REVOKE, Statement, decoded, read, verify
from rtlab.messaging.relay import scripts
from rtlab.messaging.relay.attachments import Attachments
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.messages import (
    Attach,
    Claim,
    Consent,
    Done,
    Fetch,
    Look,
    Publish,
    Put,
    Request,
    Revoke,
)

VERDICTS = ("accept", "block", "forget")
_LARGEST_PACKAGE = 8192
_TRIES = 8


class Refusal(NamedTuple):
    """Why a request is refused: a code, and a sentence where that of the code says too little."""

    code: str
    why: str | None = None


class Answer(NamedTuple):
    """What is answered, and what the relay is to know of it."""

    done: Done
    revoked: str = ""
    counted: str = ""


class Entered(NamedTuple):
    """A device that may come in: its last cursor, and how many of its key packages are left."""

    cursor: int
    packages: int


class Desk:
    """The requests of devices on one Redis; redis' errors when it does not answer."""

    def __init__(
        self, redis: Redis, prefix: str, directory: str, limits: RelayLimits, wall: Callable[[], float]
    ) -> None:
        self._redis, self._p, self._directory = redis, prefix, directory
        self._limits, self._wall = limits, wall
        self._attachments = Attachments(redis, prefix, limits, wall)

    async def load(self) -> None:
        """Make the scripts known."""
        await self._attachments.load()
        self._register = self._redis.register_script(scripts.REGISTER)
        self._revoke = self._redis.register_script(scripts.REVOKE)
        self._claim = self._redis.register_script(scripts.CLAIM)
        self._consent = self._redis.register_script(scripts.CONSENT)

    async def register(self, binding: bytes, statement: Statement) -> Entered | str:
        """Let a device in whose binding is verified, and write it into its account's log; a code when it may not."""
        device, account = statement.device.hex(), statement.account
        for _ in range(_TRIES):
            head = await self._head(account)
            entry = entry_of(decoded(binding), head)
            bounds = (head.length, entry, self._limits.devices, LONGEST)
            told = await self._register(args=[self._p, account, device, binding, *bounds])
            if told[0] == b"done":
                return Entered(int(told[1]), int(told[2]))
            if told[0] != b"again":
                return str(told[0].decode())
        return "busy"

    async def answer(self, device: str, account: str, request: Request) -> Answer | Refusal:
        """Do what a device asks."""
        match request:
            case Publish():
                return await self._publish(device, request)
            case Look():
                entries: Any = await self._redis.lrange(f"{self._p}:log:{request.account}", 0, LONGEST)
                return Answer(Done(request.n, entries=[one.decode() for one in entries]))
            case Claim():
                return await self._claimed(request)
            case Consent():
                return await self._consented(account, request)
            case Revoke():
                return await self._revoked(account, request)
            case Attach():
                return _answer(await self._attachments.attach(account, request))
            case Put():
                return _answer(await self._attachments.put(account, request), "chunks_stored")
            case Fetch():
                return _answer(await self._attachments.fetch(request), "chunks_fetched")
        return Refusal("form")

    async def _publish(self, device: str, request: Publish) -> Answer | Refusal:
        offered = [*request.packages, *([] if request.last is None else [request.last])]
        if len(offered) > self._limits.packages or any(len(one) > _LARGEST_PACKAGE for one in offered):
            return Refusal(
                "size", f"{self._limits.packages} key packages of {_LARGEST_PACKAGE} bytes are taken"
            )
        try:
            if any(leaf_of_key_package(one).device.hex() != device for one in offered):
                return Refusal("identity", "a key package is of another device")
        except UnreadableError as problem:
            return Refusal("form", str(problem))
        pipeline = self._redis.pipeline(transaction=True)
        if request.packages:
            pipeline.rpush(f"{self._p}:kp:{device}", *request.packages)
            pipeline.ltrim(f"{self._p}:kp:{device}", -self._limits.packages, -1)
        if request.last is not None:
            pipeline.set(f"{self._p}:last:{device}", request.last)
        await pipeline.execute()
        return Answer(Done(request.n))

    async def _claimed(self, request: Claim) -> Answer | Refusal:
        told = await self._claim(args=[self._p, request.account, self._limits.claims_per_hour])
        if not told:
            return Refusal("unknown", "the account has no device here")
        pairs = [(told[i].decode(), told[i + 1]) for i in range(0, len(told), 2)]
        return Answer(Done(request.n, packages=pairs))

    async def _consented(self, account: str, request: Consent) -> Answer | Refusal:
        if request.verdict not in VERDICTS:
            return Refusal("form", f"a verdict is one of {', '.join(VERDICTS)}")
        await self._consent(args=[self._p, account, request.account, request.verdict])
        return Answer(Done(request.n))

    async def _revoked(self, account: str, request: Revoke) -> Answer | Refusal:
        try:
            binding = decoded(request.binding)
            device = read(binding.statement).device
            verify(
                binding,
                device=device,
                directory=self._directory,
                now=self._wall(),
                account=account,
                purpose=REVOKE,
            )
        except IdentityError as problem:
            return Refusal("identity", str(problem))
        for _ in range(_TRIES):
            head = await self._head(account)
            entry = entry_of(binding, head)
            told = await self._revoke(args=[self._p, account, device.hex(), head.length, entry])
            if told == b"done":
                return Answer(Done(request.n), revoked=device.hex())
            if told != b"again":
                return Refusal(told.decode())
        return Refusal("busy")

    async def _head(self, account: str) -> Head:
        key = f"{self._p}:log:{account}"
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.llen(key)
        pipeline.lindex(key, -1)
        length, last = await pipeline.execute()
        return EMPTY if last is None else Head(int(length), hash_of(last.decode()))


def _answer(told: Done | str, counted: str = "") -> Answer | Refusal:
    return Refusal(told) if isinstance(told, str) else Answer(told, counted=counted)
