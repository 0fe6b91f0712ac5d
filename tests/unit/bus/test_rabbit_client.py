import asyncio

import pytest
from aio_pika.exceptions import AMQPConnectionError, ChannelInvalidStateError

from rtlab.bus.rabbit_client import Link, dead_name, exchange_name, mark_name, queue_name
from rtlab.errors import UnreachableError


def test_names_differ():
    names = [exchange_name("t"), queue_name("t", "g", 1), mark_name("t", "g", 1), dead_name("t", "g")]
    assert len(set(names)) == 4


def test_a_link_shows_no_password_and_asks_for_heartbeats():
    link = Link("amqp://ann:secret@host:1/")
    assert "secret" not in link.shown
    assert Link("amqp://host/?heartbeat=9")._url.query["heartbeat"] == "9"
    assert link._url.query["heartbeat"] == "5"


@pytest.mark.parametrize(
    "problem", [AMQPConnectionError("cut"), ChannelInvalidStateError("closed"), OSError("no")]
)
async def test_whatever_goes_wrong_is_one_error_and_the_link_is_made_anew(rabbit_url, problem):
    link = Link(rabbit_url)
    await link.channel()
    assert link.is_open
    with pytest.raises(UnreachableError, match="does not do it"):
        async with link.answering():
            raise problem
    assert not link.is_open
    assert not (await link.channel()).is_closed
    await link.drop()


async def test_what_takes_too_long_is_given_up():
    link = Link("amqp://127.0.0.1:1/")
    with pytest.raises(UnreachableError, match="had not answered in time"):
        async with link.answering(0.02):
            await asyncio.sleep(10)
