"""What is wrong with the settings of a dashboard, told before anything is loaded, compiled or started."""

import socket

from rtlab.client.addresses import check_url
from rtlab.config import Settings
from rtlab.errors import AddressError
from rtlab.lab.messages import check_messages
from rtlab.sources.venues.directory import is_live, wanted


def check(settings: Settings) -> None:
    """Raise what a dashboard of these settings would end with: a busy port, an unknown venue, no feed's address.

    AddressError, ConfigError or MessagingError; whether anybody answers at an address is not tried.
    """
    free_port(settings.host, settings.dashboard_port)
    if is_live(settings.url):
        wanted(settings.url)
    elif settings.url != "demo":
        check_url(settings.url)
    check_messages(settings, on_a_page=True)


def free_port(host: str, port: int) -> int:
    """Give `port`, or any that is free for 0; AddressError when it cannot be bound."""
    try:
        with socket.create_server((host, port)) as probe:
            return int(probe.getsockname()[1])
    except OSError as problem:
        raise AddressError(
            f"the dashboard cannot bind {host}:{port}: {problem.strerror or problem}",
            expected="a free port: --dashboard-port, or 0 for any",
        ) from None
