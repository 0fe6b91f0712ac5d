"""`rtlab demo`: a simulated market in a process of its own, and its dashboard in this one."""

import sys
from collections.abc import Sequence

import click

from rtlab.cli.durations import Duration
from rtlab.cli.running import begun, settings_of, settle_heap


@click.command()
@click.option("--for", "for_s", type=Duration(), help="End after this long, as 20s or 2m.")
@click.option(
    "--url",
    help="Show the feed at this address, or a live venue, as binance:BTCUSDT.",
)
@click.option("--host", help="Address of the dashboard (127.0.0.1).")
@click.option("--allow-anyone", is_flag=True, default=None, help="Let other machines see the dashboard.")
@click.option("--dashboard-port", type=int, help="Port of the dashboard (5006); 0 takes a free one.")
@click.option("--rate", type=int, help="Commands per second of the simulated market (2000).")
@click.option("--seed", type=int, help="Seed of the simulated market (1): the same seed, the same market.")
@click.option(
    "--messages",
    is_flag=False,
    flag_value="localhost",
    help="Serve wallets' messages too: a relay by this name (localhost), and the page /messages.",
)
def command(for_s: float | None, **flags: object) -> None:
    """Serve a simulated market and its dashboard."""
    settings = settings_of(flags)
    sys.setswitchinterval(0.001)  # the thread that reads the feed must not wait 5 ms each time for the pages'
    import asyncio

    from rtlab.cli.running import ended_event
    from rtlab.lab.preflight import check

    check(settings)  # Panel takes seconds to load: what is wrong is told before
    from rtlab.lab.serving import serve_dashboard

    async def main() -> None:
        ended = await ended_event(after_s=for_s)
        await serve_dashboard(settings, on_ready=_say, ended=ended)

    asyncio.run(main())  # Panel's server is tornado's, which keeps to the standard loop


def _say(page: str, feed: str, others: Sequence[str]) -> None:
    begun()
    settle_heap()
    click.echo(f"dashboard at {page} , feed at {feed} (Ctrl-C ends both)")
    click.echo(f"beside it: {', '.join(f'/{name}' for name in others)}")
