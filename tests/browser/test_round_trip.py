"""How long messages take from browser to browser, by a relay in a process of its own: told, never judged."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.unwatched import UnwatchedPage, unwatched

from rtlab.messaging.pages import PAGE

pytestmark = [pytest.mark.browser, pytest.mark.long]
PROGRAM = Path(__file__).resolve().parents[1] / "support" / "relay_server.py"
ROUNDS = 300
MANY = 100_000
"""Requests of one connection: so many round trips on end are more than a relay allows in a second."""


@pytest.fixture
def page_of_a_relay() -> Iterator[str]:
    """Serve in a process of its own; give the address of its page."""
    asked = {"wallets": ["ethereum", "solana"], "limits": {"per_s": MANY, "burst": MANY}}
    wanted = [sys.executable, str(PROGRAM), json.dumps(asked)]
    with subprocess.Popen(wanted, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield f"http://127.0.0.1:{told['port']}{PAGE}"
        process.stdin.close()
        process.wait(20)


def signed_in(page: UnwatchedPage, family: str) -> str:
    page.until(SIGN_IN, family)
    return page.until(ACCOUNT)


def test_a_round_trip_between_two_browsers_is_measured(page_of_a_relay):
    with unwatched() as browser:
        other = browser.page(f"{page_of_a_relay}?theme=dark")
        account = signed_in(other, "solana")
        other.evaluate(NOTE_THE_FIRST)
        one = browser.page(f"{page_of_a_relay}?theme=light")
        own = signed_in(one, "ethereum")
        one.evaluate(WRITE, account)
        first_ms = other.until("() => window.first") - one.evaluate("() => performance.timeOrigin")
        other.until(ACCEPT)
        other.evaluate(ECHO, own)
        one.evaluate(ROUND_TRIPS, [account, "warm", 30])
        times = one.evaluate(ROUND_TRIPS, [account, "ping", ROUNDS])
        for page in (one, other):
            page.until(DRAWN, f"pong {ROUNDS - 1}")
            texts = page.evaluate(TEXTS)
            assert texts[-2 * ROUNDS :] == [f"{what} {i}" for i in range(ROUNDS) for what in ("ping", "pong")]
    told = {"p50_ms": times[ROUNDS // 2], "p99_ms": times[ROUNDS * 99 // 100], "round_trips": len(times)}
    print(json.dumps({name: round(value, 1) for name, value in told.items()} | {"first_ms": round(first_ms)}))


SIGN_IN = """(family) => {
  const buttons = [...(document.getElementById("messages")?.shadowRoot?.querySelectorAll("button") ?? [])]
  const button = buttons.find(({ textContent }) => textContent.includes(`(${family})`))
  button?.click()
  return Boolean(button)
}"""
ACCOUNT = "() => window.messages?.messenger.state === 'online' && window.messages.messenger.me.account"
NOTE_THE_FIRST = """() => {
  const { messenger } = window.messages
  const note = () => {
    if (messenger.chats().length) window.first ??= performance.timeOrigin + performance.now()
  }
  messenger.addEventListener("change", note)
}"""
WRITE = """(account) => {
  const root = document.getElementById("messages").shadowRoot
  const press = (text) => [...root.querySelectorAll("button")].find((one) => one.textContent === text).click()
  root.querySelector("input").value = account
  press("Write")
  root.querySelector("textarea").value = "hello"
  press("Send")
}"""
ACCEPT = """() => {
  const root = document.getElementById("messages").shadowRoot
  root.querySelector("nav li button")?.click()
  const accept = [...root.querySelectorAll("button")].find(({ textContent }) => textContent === "Accept")
  accept?.click()
  return Boolean(root.querySelector("textarea"))
}"""
ECHO = """(to) => {
  const { messenger } = window.messages
  let done = messenger.chat(to).messages.length
  messenger.addEventListener("change", () => {
    const { messages } = messenger.chat(to)
    const fresh = messages.slice(done).filter(({ mine, text }) => !mine)
    done = messages.length
    fresh.forEach(({ text }) => messenger.send(to, { text: text.replace("ping", "pong") }))
  })
}"""
ROUND_TRIPS = """async ([to, word, rounds]) => {
  const { messenger } = window.messages
  const times = []
  for (let i = 0; i < rounds; i++) {
    const began = performance.now()
    const answer = `${word.replace("ping", "pong")} ${i}`
    await new Promise((resolve) => {
      const look = () => {
        if (!messenger.chat(to).messages.slice(-9).some(({ mine, text }) => !mine && text === answer)) return
        messenger.removeEventListener("change", look)
        resolve()
      }
      messenger.addEventListener("change", look)
      messenger.send(to, { text: `${word} ${i}` })
    })
    times.push(performance.now() - began)
  }
  return times.sort((one, other) => one - other)
}"""
TEXTS = """() => {
  const { messenger } = window.messages
  return messenger.chats()[0].messages.map(({ text }) => text)
}"""
DRAWN = """(text) => {
  const log = document.getElementById("messages").shadowRoot.querySelector(".log")
  return log.lastChild.textContent.includes(text)
}"""
