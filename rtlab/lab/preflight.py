"""What is wrong with the settings of a dashboard, told before anything is loaded, compiled or started."""

from rtlab.client.addresses import check_url
from rtlab.config import Settings
from rtlab.errors import AddressError
from rtlab.feed.listening import is_loopback
from rtlab.lab.messages import check_messages
from rtlab.sources.venues.directory import is_live, wanted
from rtlab.tabs import bindable


def check(settings: Settings) -> None:
    """Raise what a dashboard of these settings would end with: a busy port, an unknown venue, no feed's address.

    AddressError, ConfigError or MessagingError; whether anybody answers at an address is not tried.
    """
    if not settings.allow_anyone and not is_loopback(settings.host):
        raise AddressError(
            f"the dashboard does not listen on {settings.host}, because there anybody could read it, and its numbers: "
            "let anybody in (allow_anyone=true, --allow-anyone), or bind it to 127.0.0.1"
        )
    free_port(settings.host, settings.dashboard_port)
    if is_live(settings.url):
        wanted(settings.url)
    elif settings.url != "demo":
        check_url(settings.url)
    check_messages(settings, on_a_page=True)


def free_port(host: str, port: int) -> int:
    """Give `port`, or any that is free for 0; AddressError when it cannot be bound."""
    return bindable(host, port, "a free port: --dashboard-port, or 0 for any")
