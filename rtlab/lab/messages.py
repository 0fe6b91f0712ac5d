"""The relay of wallets' messages beside a feed, where the settings ask for one: same port, same admission."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from rtlab.config import Settings
from rtlab.errors import ConfigError, MessagingError
from rtlab.feed import Gateway
from rtlab.lab.redis_server import redis_of
from rtlab.telemetry import event

if TYPE_CHECKING:
    from rtlab.messaging.relay import Relay

NONE = "none"
FAMILIES = ("ethereum", "solana", "near")
"""Wallets that a demo makes on its page, to try it."""
LOG = logging.getLogger("rtlab.lab")


@contextmanager
def needing_messages() -> Iterator[None]:
    """Import inside of it what messages need; MessagingError when a package is not installed."""
    try:
        yield
    except ImportError as problem:
        raise MessagingError(
            "messages need packages that are not installed",
            expected="pip install 'rtlab[messaging]'",
            got=str(problem),
        ) from None


def check_messages(settings: Settings, *, on_a_page: bool = False) -> None:
    """Raise MessagingError where the settings want messages that cannot be had here, before anything is compiled."""
    if settings.messages == NONE:
        return
    with needing_messages():
        import rtlab.messaging.relay

        if on_a_page:
            import rtlab.messaging.widget  # noqa: F401
            from rtlab.messaging.bundle import path

            path()


@asynccontextmanager
async def relay_of(settings: Settings) -> AsyncIterator["Relay | None"]:
    """Give the relay that the settings ask for, on their Redis, or None; MessagingError when it is not installed.

    Where the settings name no Redis, mail lives as long as this process.
    """
    if settings.messages == NONE:
        yield None
        return
    with needing_messages():
        from rtlab.messaging.relay import Relay
    async with (
        redis_of(settings) as url,
        Relay(url, settings.messages, synced=settings.messages_synced) as relay,
    ):
        yield relay


def offer(relay: "Relay", gateway: Gateway) -> None:
    """Put a relay on a gateway: its path, its statistics, and the pages where the widget is built."""
    from rtlab.messaging.pages import pages
    from rtlab.messaging.relay import PATH

    gateway.services[PATH] = relay.service(gateway.admission)
    gateway.more["messages"] = relay.statistics
    try:
        gateway.routes.update(pages(relay.directory))
    except MessagingError as problem:
        event(LOG, logging.WARNING, f"the relay serves without a page: {problem}")


def page_of(gateway: Gateway) -> str | None:
    """Give the address of the page that is nothing but the messages, where a gateway has one."""
    from rtlab.messaging.pages import PAGE

    return f"http{gateway.url.removeprefix('ws').rstrip('/')}{PAGE}" if PAGE in gateway.routes else None


def without_relay(settings: Settings, role: str) -> None:
    """Refuse settings that want a relay in a role that cannot have one; ConfigError."""
    if settings.messages != NONE:
        raise ConfigError(
            "a relay pushes mail from the one process that stores it",
            expected="rtlab serve without --role, or messages none",
            got=f"--role {role} with messages {settings.messages}",
        )


def pane_options(settings: Settings, feed: str) -> dict[str, object]:
    """Give what the widget takes to be at the relay of the feed at `feed`; test wallets beside a simulated market."""
    from rtlab.messaging.relay import PATH

    wallets = list(FAMILIES) if settings.url == "demo" else []
    return {"url": feed.rstrip("/") + PATH, "directory": settings.messages, "testWallets": wallets}
