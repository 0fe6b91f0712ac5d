"""The topic of the bus's tests, and the account that their handlers keep in a database."""

import sqlite3
from pathlib import Path

import msgspec

from rtlab.bus import Topic
from rtlab.bus.once import DatabaseOnce


class Counted(msgspec.Struct, frozen=True):
    """The `n`-th event of its key, from 0."""

    key: str
    n: int


def counted_topic(name: str = "counted", **options) -> Topic[Counted]:
    return Topic(name=name, type=Counted, **options)


def counted_events(topic, count: int, keys: int):
    """`count` events of so many keys in turn; `id` tells which one it is."""
    made = []
    for i in range(count):
        key, n = f"k{i % keys}", i // keys
        made.append(topic.event(Counted(key, n), key=key, id=f"{key}-{n}", ts_event=i))
    return made


def make_account(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE effects (at INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, n INTEGER)")
    connection.close()


def note(cursor, delivery) -> None:
    cursor.execute("INSERT INTO effects (key, n) VALUES (?, ?)", (delivery.body.key, delivery.body.n))


def noting(once: DatabaseOnce):
    """The same effect in any database."""
    statement = f"INSERT INTO effects (key, n) VALUES ({once.mark}, {once.mark})"
    return lambda cursor, delivery: cursor.execute(statement, (delivery.body.key, delivery.body.n))


def noted(once: DatabaseOnce) -> list[tuple[str, int]]:
    with once.session() as session:
        return session.execute("SELECT key, n FROM effects ORDER BY at").fetchall()


def rows(path: Path) -> list[tuple[str, int]]:
    connection = sqlite3.connect(path, timeout=10)
    try:
        return connection.execute("SELECT key, n FROM effects ORDER BY at").fetchall()
    finally:
        connection.close()


def judge(path: Path, events) -> dict[str, int]:
    """What the table says: events that left no effect, effects beyond the first, effects out of their key's order."""
    found = rows(path)
    wanted = {(event.key, int(event.id.rpartition("-")[2])) for event in events}
    last, broken = {}, 0
    for key, n in found:
        broken += n < last.get(key, -1)
        last[key] = n
    return {
        "lost": len(wanted - set(found)),
        "twice": len(found) - len(set(found)),
        "broken": broken,
        "strange": len(set(found) - wanted),
    }
