"""`rtlab bus` against a real server with a dead letter in it."""

import asyncio
import json

import pytest
from support.bus_events import counted_events, counted_topic
from support.bus_fixtures import until
from support.bus_servers import RedisServer
from support.command import assert_one_clear_line, rtlab

from rtlab.bus import Retry, connect
from rtlab.cli import bus as module

TOPIC = counted_topic(shards=2, groups=("main", "other"))


async def leave_dead_letters(url: str) -> None:
    bus = connect(url, lease_s=0.6)

    def poison(_):
        raise ValueError("poison")

    bus.consume(TOPIC, retry=Retry(tries=2, first_s=0.01, most_s=0.02))(poison)
    async with bus:
        await bus.publish(TOPIC, *counted_events(TOPIC, 3, 3))
        await until(lambda: bus.statistics()["bus_counted_main"].dead == 3)


@pytest.fixture
def url(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        asyncio.run(leave_dead_letters(server.url))
        yield server.url


def test_dead_letters_are_listed_peeked_at_replayed_and_purged(url):
    rows = [json.loads(line) for line in rtlab("bus", "list", "--url", url, "--json").stdout.splitlines()]
    assert [(row["topic"], row["group"], row["dead"], row["waiting"]) for row in rows] == [
        ("counted", "main", 3, 0),
        ("counted", "other", 0, 3),
    ]
    peeked = rtlab("bus", "peek", "counted", "--group", "main", "--url", url).stdout.splitlines()
    assert len(peeked) == 3
    assert all("2 tries  ValueError: poison" in line for line in peeked)
    (one,) = rtlab(
        "bus", "peek", "counted", "--group", "main", "--most", 1, "--json", "--url", url
    ).stdout.splitlines()
    assert json.loads(one)["body"]["n"] == 0
    again = rtlab("bus", "replay", "counted", "--group", "main", "--id", "k1-0", "--url", url)
    assert again.stdout == "1 dead letters of counted sent to main again\n"
    asked = rtlab("bus", "purge", "counted", "--group", "main", "--url", url)
    assert asked.returncode == 130, "nobody answered: nothing is thrown away"
    assert len(rtlab("bus", "peek", "counted", "--group", "main", "--url", url).stdout.splitlines()) == 2
    gone = rtlab("bus", "purge", "counted", "--group", "main", "--yes", "--url", url)
    assert gone.stdout == "2 dead letters of counted for main thrown away\n"
    assert rtlab("bus", "peek", "counted", "--group", "main", "--url", url).stdout == ""
    assert_one_clear_line(
        rtlab("bus", "peek", "nothing", "--url", url), "there is no topic 'nothing'", "counted"
    )
    assert_one_clear_line(rtlab("bus", "peek", "counted", "--url", url), "has the groups main, other")


def test_without_an_address_or_a_server_one_line_says_so():
    assert_one_clear_line(rtlab("bus", "list"), "which bus?", "RTLAB_BUS_URL")
    assert_one_clear_line(
        rtlab("bus", "list", "--url", "redis://127.0.0.1:1"), "Redis at redis://127.0.0.1:1"
    )


def test_every_subcommand_says_what_it_does():
    assert set(module.command.commands) == {"list", "peek", "replay", "purge"}
    assert all(command.help for command in module.command.commands.values())
