import asyncio
import json
import subprocess
import sys

import pytest
from support.rabbit import RabbitServer

from rtlab.cli.bench import bus_rival


async def test_every_event_is_sent_once_by_senders_that_wait():
    sent, at_once, most = [], 0, 0

    async def send(n):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        sent.append(n)

    await bus_rival.send_all(send, 1000)
    assert sorted(sent) == list(range(1000))
    assert most == bus_rival.AT_ONCE


async def test_a_counter_is_done_with_the_last():
    counter = bus_rival.Counter(2)
    counter.one()
    assert not counter.done.is_set()
    counter.one()
    assert counter.done.is_set()


def test_a_payload_is_about_a_hundred_bytes():
    assert 100 <= len(json.dumps(bus_rival.body(12_345))) <= 140


def test_a_consumer_that_does_not_come_up_ends_it():
    with pytest.raises(SystemExit, match="before it was ready"):
        bus_rival.main("aio-pika", "amqp://127.0.0.1:1/", 1)


def test_plain_aio_pika_handles_every_event_on_a_real_server(tmp_path):
    with RabbitServer(tmp_path) as server:
        command = [sys.executable, bus_rival.__file__, "aio-pika", server.url, "50"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["events_per_s"] > 0, done.stderr
