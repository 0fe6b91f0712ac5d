"""The words that steer a running replay, one a line: what a person types, or a program writes to its standard input."""

import asyncio
import os
import stat
import sys
from collections.abc import Callable

from rtlab.errors import LocalError
from rtlab.lab.playing import Player
from rtlab.store.moments import ns_of, span_ns, text_of

WORDS = "seek MOMENT | seek +30s | seek -5m | speed 10 | speed max | hold | go | where | note TEXT"
LONGEST = 65_536  # bytes of one line


def obey(player: Player, line: str) -> str:
    """Do what `line` says; give what to answer. LocalError says what was wrong with it."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if word == "seek" and rest:
        player.seek(_moment(player, rest))
    elif word == "speed" and rest:
        player.set_speed(None if rest == "max" else _speed(rest))
    elif word == "hold":
        player.hold()
    elif word == "go":
        player.go_on()
    elif word == "note" and rest:
        note = player.session.note(rest, player.ts)
        return f"noted at {text_of(note.ts)}"
    elif word != "where":
        raise LocalError("this steers no replay", expected=WORDS, got=line.strip())
    return where(player)


def where(player: Player) -> str:
    """Tell the moment that a replay shows, and how quickly it goes."""
    clock = player.clock
    speed = "held" if clock.held else "as fast as possible" if clock.speed is None else f"{clock.speed:g} x"
    return f"{text_of(player.ts)}, {speed}"


def _moment(player: Player, text: str) -> int:
    if text[0] not in "+-":
        return ns_of(int(text) if text.isdigit() else text)
    away = span_ns(text[1:])
    asked = player.ts + (away if text[0] == "+" else -away)
    return min(max(asked, player.session.start), player.session.end)


def _speed(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise LocalError("this is no speed", expected="a number above 0, or max", got=text) from None


async def steer(player: Player, say: Callable[[str], None]) -> None:
    """Obey what comes on standard input, where that is a terminal or a pipe; elsewhere do nothing."""
    if not (sys.stdin.isatty() or stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)):
        return
    say(f"type: {WORDS}")
    reader = asyncio.StreamReader(limit=LONGEST)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        if line.strip():
            try:
                say(obey(player, line.decode("utf-8", "replace")))
            except LocalError as problem:
                say(f"? {problem}")
