"""`rtlab bus`: look at the topics of a bus and at its dead letters, send them again, or throw them away."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import click

from rtlab.cli.running import settings_of

MOST = 100


@click.group()
def command() -> None:
    """Look after the bus: its topics, what waits, and its dead letters."""


_url = click.option("--url", "bus_url", help="The bus: redis://, unix:// or amqp://.")
_group = click.option("--group", help="The group whose dead letters are meant (the topic's only one).")
_ids = click.option("--id", "ids", multiple=True, help="Only the dead letter of this event; may be repeated.")


@command.command("list")
@_url
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(bus_url: str | None, *, as_json: bool) -> None:
    """List the topics and groups: how many events wait, and how many dead letters there are."""

    async def look(transport: Any) -> None:
        for topic in await transport.topics():
            for group in topic.groups:
                backlog = await transport.backlog(topic, group)
                dead = len(await transport.letters(topic, group, 1 << 31))
                row = {"topic": topic.name, "group": group, "shards": topic.shards, "dead": dead}
                row |= {"waiting": backlog.events, "oldest_s": round(backlog.oldest_s, 3)}
                click.echo(json.dumps(row) if as_json else "  ".join(f"{k} {v}" for k, v in row.items()))

    _with(bus_url, look)


@command.command()
@click.argument("topic")
@_group
@_url
@click.option("--most", type=click.IntRange(min=1), default=MOST, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the body.")
def peek(topic: str, group: str | None, bus_url: str | None, most: int, *, as_json: bool) -> None:
    """Show the dead letters of TOPIC, the oldest first: which event, after how many tries, and why."""

    async def look(transport: Any) -> None:
        known, chosen = await _find(transport, topic, group)
        for letter in await transport.letters(known, chosen, most):
            click.echo(json.dumps(_told(letter)) if as_json else _line(letter))

    _with(bus_url, look)


@command.command()
@click.argument("topic")
@_group
@_ids
@_url
def replay(topic: str, group: str | None, ids: tuple[str, ...], bus_url: str | None) -> None:
    """Send the dead letters of TOPIC to their group again; they come after all that waits there."""

    async def send(transport: Any) -> None:
        known, chosen = await _find(transport, topic, group)
        sent = await transport.take_letters(known, chosen, ids or None, replay=True)
        click.echo(f"{sent} dead letters of {topic} sent to {chosen} again")

    _with(bus_url, send)


@command.command()
@click.argument("topic")
@_group
@_ids
@_url
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(topic: str, group: str | None, ids: tuple[str, ...], bus_url: str | None, *, yes: bool) -> None:
    """Throw dead letters of TOPIC away, for good; asks first."""

    async def throw(transport: Any) -> None:
        known, chosen = await _find(transport, topic, group)
        found = await transport.letters(known, chosen, 1 << 31)
        meant = [letter.event.id for letter in found if not ids or letter.event.id in ids]
        if meant and not yes:
            question = f"throw {len(meant)} dead letters of {topic} for {chosen} away, for good?"
            await asyncio.to_thread(click.confirm, question, abort=True)
        gone = await transport.take_letters(known, chosen, meant, replay=False) if meant else 0
        click.echo(f"{gone} dead letters of {topic} for {chosen} thrown away")

    _with(bus_url, throw)


def _with(bus_url: str | None, work: Callable[[Any], Awaitable[None]]) -> None:
    settings = settings_of({"bus_url": bus_url})
    if settings.bus_url == "embedded":
        raise click.UsageError(
            "which bus? give --url redis://..., unix://... or amqp://..., or set RTLAB_BUS_URL"
        )

    async def main() -> None:
        from rtlab.bus import connect  # late: redis costs time that --help need not

        async with connect(settings.bus_url) as bus:
            await work(bus.transport)

    asyncio.run(main())


async def _find(transport: Any, name: str, group: str | None) -> tuple[Any, str]:
    topics = {topic.name: topic for topic in await transport.topics()}
    if name not in topics:
        known = ", ".join(topics) or "none"
        raise click.UsageError(f"there is no topic {name!r}: expected one of {known}")
    groups = topics[name].groups
    if group is None and len(groups) == 1:
        return topics[name], groups[0]
    if group is None or group not in groups:
        raise click.UsageError(f"topic {name} has the groups {', '.join(groups)}: give one by --group")
    return topics[name], group


def _line(letter: Any) -> str:
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(letter.ts / 1e9))
    event = letter.event
    return f"{when}  {event.id}  key {event.key}  {event.type or 'unreadable'}  {letter.tries} tries  {letter.reason}"


def _told(letter: Any) -> dict[str, object]:
    import msgspec

    event = letter.event
    told: dict[str, object] = {"id": event.id, "key": event.key, "type": event.type, "version": event.version}
    told |= {"ts_event": event.ts_event, "tries": letter.tries, "reason": letter.reason, "ts": letter.ts}
    try:
        told["body"] = msgspec.to_builtins(msgspec.msgpack.decode(event.body))
    except msgspec.MsgspecError:
        told["body"] = event.body.hex()
    return told
