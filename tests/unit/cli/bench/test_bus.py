from support.bus_servers import RedisServer

from rtlab.cli.bench.bus import Size, _goals, measure
from rtlab.cli.bench.results import result


def test_an_engine_is_measured_batched_one_by_one_and_at_half_load(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        rows = list(measure(server.url, "rtlab, Redis Streams", Size(1, 2000, 300, 0.3)))
    assert [row["name"] for row in rows] == [
        "throughput",
        "throughput",
        "published to handled, p50",
        "published to handled, p99",
    ]
    assert all(row["median"] > 0 for row in rows)
    assert rows[2]["median"] <= rows[3]["median"]
    goals = list(_goals(rows))
    assert [(goal["show"], goal["bound"]) for goal in goals] == [(5, 40_000), (5, 5_000)]


def test_what_is_not_there_is_a_row_with_its_reason():
    row = result("throughput", "celery", "batched", "events/s", [], "not installed")
    assert (row["median"], row["reason"], row["runs"]) == (None, "not installed", 0)
