"""`rtlab bench scale`: one engine through Redis into two gateways, and from each to a client, beside one process.

Both contenders make the same market at the same rate. The time is from the submission of a command to the first
message applied in a client's process that holds its last change.
"""

from collections.abc import Mapping, Sequence

from rtlab.book import Market
from rtlab.cli.bench.children import Child, Owner
from rtlab.cli.bench.flow import SLACK_S, percentiles, read_rtlab, serve_rtlab
from rtlab.cli.bench.load import INSTRUMENT, Load, Times, Truth, drive, truth
from rtlab.cli.bench.results import result
from rtlab.embedded import EmbeddedServer
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.sources.flow import Commands
from rtlab.store import Follower, Writer

CHANGES_PER_S = 100_000
GATEWAYS = 2
ROWS = ("p50", "p99")


def run(quick: bool) -> dict[str, object]:
    """Measure with and without Redis; give results and goals as `rtlab bench --json` prints them."""
    runs, seconds = (1, 3.0) if quick else (5, 8.0)
    loads = [load_of(seconds, seed) for seed in range(1, runs + 1)]
    scaled, alone = zip(*((measure(load), measure_alone(load)) for load in loads), strict=True)
    case = f"{CHANGES_PER_S:,} changes/s"
    rate = [changes for _, changes in scaled]
    results = [result("changes through Redis into both gateways", "rtlab", case, "1/s", rate)]
    for contender, numbers in (("rtlab", [n for n, _ in scaled]), ("rtlab in one process", alone)):
        for name, column in zip(ROWS, zip(*numbers, strict=True), strict=True):
            results.append(result(f"submit to applied, {name}", contender, case, "us", column))
    return {"results": results, "goals": goals(results)}


def goals(results: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Take the number that Shows bounds: what went into both gateways in a second, at 0.99 of what was asked."""
    row = results[0]
    return [
        {"show": 9, "name": row["name"], "value": row["median"], "bound": 0.99 * CHANGES_PER_S}
        | {"op": ">=", "unit": "1/s"}
    ]


def load_of(seconds: float, seed: int) -> Load:
    """Give a load of CHANGES_PER_S level changes."""
    sample = truth(Load(50_000, 1.0, seed))
    changes = int(sample.seqs[-1] - sample.seqs[0])
    return Load(int(50_000 * CHANGES_PER_S / changes), seconds, seed)


def measure(load: Load) -> tuple[tuple[float, float], float]:
    """Run engine, gateways and clients in processes of their own; give p50 and p99 (us), and changes a second.

    Of the two clients the slower one counts.
    """
    expected = truth(load)
    last = int(expected.seqs[-1])
    with EmbeddedServer() as redis, Child(write, load, redis.url) as writing:
        writing.receive()
        gateways = [Child(serve, redis.url) for _ in range(GATEWAYS)]
        readers: list[Child] = []
        try:
            for gateway in gateways:
                readers.append(Child(read_rtlab, gateway.receive(), last, load.seconds + SLACK_S))
                readers[-1].receive()
            writing.send("go")
            submitted: Times = writing.receive(4 * load.seconds + 60)
            seen = [reader.receive(2 * SLACK_S + 60) for reader in readers]
        finally:
            for child in (*readers, *gateways):
                child.__exit__(None, None, None)
    took = [percentiles(expected.commands, expected.seqs, submitted, *one) for one in seen]
    return max(took, key=lambda one: one[1]), min(_rate(expected, submitted, *one) for one in seen)


def _rate(expected: Truth, submitted: Times, seqs: Times, at: Times) -> float:
    changes = int(min(seqs[-1], expected.seqs[-1]) - expected.seqs[0])
    return changes / (float(at[-1] - submitted[0]) / 1e9)


def measure_alone(load: Load) -> tuple[float, float]:
    """Run the same load with engine and gateway in one process, without Redis."""
    expected = truth(load)
    with Child(serve_rtlab, load) as serving:
        url = serving.receive()
        with Child(read_rtlab, url, int(expected.seqs[-1]), load.seconds + SLACK_S) as reading:
            reading.receive()
            serving.send("go")
            submitted: Times = serving.receive(4 * load.seconds + 60)
            return percentiles(
                expected.commands, expected.seqs, submitted, *reading.receive(2 * SLACK_S + 60)
            )


async def write(owner: Owner, load: Load, url: str) -> None:
    """Engine and writer; submits the load at the owner's word and sends the times of submission."""
    opening, commands = load.commands()
    engine, market = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1)
    market.apply(engine.process(opening))
    async with Writer(market, url) as writer:

        def step(rows: Commands) -> None:
            market.apply(engine.process(rows))

        owner.send("ready")
        await owner.receive()
        owner.send(await drive(commands, step))
        await owner.receive()
        assert writer.statistics().given_up == 0


async def serve(owner: Owner, url: str) -> None:
    """One gateway that follows the writer."""
    async with Follower(url) as follower, Gateway(follower.market) as gateway:
        follower.on_news = gateway.publish
        owner.send(gateway.url)
        await owner.receive()
