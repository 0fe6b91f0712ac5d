"""What else carries events in Python, on the same servers with the same durability, each event confirmed."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rtlab.cli.bench import bus_rival
from rtlab.cli.bench.environments import Unfit, answer, python_with

FASTSTREAM, CELERY, AIO_PIKA = "0.7.8", "5.7.0", "10.2.1"
PACKAGES = (f"faststream[redis,rabbit]=={FASTSTREAM}", f"celery[redis]=={CELERY}", f"aio-pika=={AIO_PIKA}")
PATIENCE_S = 60.0


class Peer(NamedTuple):
    """`name` is the script's, `shown` the table's; `case` says what is not the same."""

    name: str
    shown: str
    needs_rabbit: bool
    case: str


PEERS = (
    Peer("faststream-redis", f"FastStream {FASTSTREAM}, Redis Streams", False, "64 publishers"),
    Peer("celery", f"celery {CELERY}, Redis", False, "1 publisher, lists, late acknowledgement"),
    Peer("faststream-rabbit", f"FastStream {FASTSTREAM}, RabbitMQ", True, "64 publishers, quorum queue"),
    Peer("aio-pika", f"aio-pika {AIO_PIKA}, RabbitMQ", True, "64 publishers, quorum queue"),
)


def measure(
    redis_url: str, rabbit_url: str, count: int, runs: int
) -> Iterator[tuple[Peer, list[float], str]]:
    """Give (peer, events a second of each run, reason why there is none); `rabbit_url` empty: there is none."""
    for peer in PEERS:
        url = rabbit_url if peer.needs_rabbit else redis_url
        try:
            if not url:
                raise Unfit("no RabbitMQ: set RTLAB_BUS_URL=amqp://...")
            python = python_with("bus-rivals", PACKAGES)
            yield peer, [_once(python, peer.name, url, count) for _ in range(runs)], ""
        except Unfit as unfit:
            yield peer, [], str(unfit)


def _once(python: Path, name: str, url: str, count: int) -> float:
    told = answer(python, bus_rival.__file__, name, url, count, patience_s=PATIENCE_S)
    return float(told["events_per_s"])
