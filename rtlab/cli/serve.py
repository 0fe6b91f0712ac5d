"""`rtlab serve`: a simulated or a live market and its feed, until told to end."""

import json

import click

from rtlab.cli.durations import Duration
from rtlab.cli.running import begun, ended_event, raise_file_limit, run, settings_of, settle_heap

OTHER_FILES = 256  # that are no readers


@click.command()
@click.option("--host", help="Address to bind (127.0.0.1).")
@click.option("--port", type=int, help="Port of the feed (8765); 0 takes a free one.")
@click.option("--source", help="A live venue instead of a simulated market, as binance:BTCUSDT,ETHUSDT.")
@click.option("--venue-url", help="Server that serves the venue's paths in its place (none).")
@click.option("--rate", type=int, help="Commands per second of the simulated market (2000).")
@click.option("--seed", type=int, help="Seed of the simulated market (1): the same seed, the same market.")
@click.option("--token-key", help="File of the key of readers' tokens: a PEM public key, or a secret (none).")
@click.option("--allow-anyone", is_flag=True, default=None, help="Let other machines in without a token.")
@click.option("--tls-cert", help="File of the certificate for wss (none).")
@click.option("--tls-key", help="File of its key (none).")
@click.option(
    "--role",
    type=click.Choice(["engine", "gateway", "all"]),
    default="all",
    help="The engine alone, which writes to Redis; a gateway that follows it; or both in one, without Redis.",
)
@click.option("--redis", "redis_url", help="URL of the Redis of engine, gateways and relay (one of our own).")
@click.option(
    "--messages",
    is_flag=False,
    flag_value="localhost",
    help="Serve a relay of wallets' messages too, by this name (localhost): the host that pages reach it by.",
)
@click.option(
    "--hot-limit-bytes", type=int, help="Of --role engine: what Redis holds for a late recorder (256 MiB)."
)
@click.option(
    "--journal", help="Folder of the journal of --role engine: killed, it goes on from there (none)."
)
@click.option("--for", "for_s", type=Duration(), help="End after this long, as 20s or 2m.")
@click.option(
    "--owned", is_flag=True, help="End with the owner of standard input; say where on standard output."
)
def command(role: str, source: str | None, for_s: float | None, owned: bool, **flags: object) -> None:
    """Serve a market's feed over WebSocket: a simulated one, or a live venue's."""
    if source is not None and (role != "all" or flags["journal"] or flags["messages"]):
        raise click.UsageError(
            "a live --source is served by itself: without --role, --journal and --messages"
        )
    settings = settings_of(flags)
    raise_file_limit(settings.connections + OTHER_FILES)

    def say(url: str) -> None:
        begun()
        settle_heap()
        what = "market written to" if role == "engine" else "feed at"
        click.echo(json.dumps({"url": url}) if owned else f"{what} {url} (Ctrl-C ends it)")

    async def main() -> None:
        # each loads what it needs and no more: numba, pandas and the venues cost a second together
        ended = await ended_event(after_s=for_s, with_owner=owned)
        if role == "engine":
            from rtlab.lab.roles import serve_engine

            await serve_engine(settings, on_ready=say, ended=ended)
        elif role == "gateway":
            from rtlab.lab.roles import serve_gateway

            await serve_gateway(settings, on_ready=lambda gateway: say(gateway.url), ended=ended)
        elif source is not None:
            from rtlab.lab.venues import serve_live

            await serve_live(settings, source, on_ready=lambda gateway: say(gateway.url), ended=ended)
        else:
            from rtlab.lab.messages import page_of
            from rtlab.lab.server import MarketServer, serve_simulated

            def say_both(server: MarketServer) -> None:
                say(server.gateway.url)
                if not owned and settings.messages != "none" and (page := page_of(server.gateway)):
                    click.echo(f"messages at {page}")

            await serve_simulated(settings, on_ready=say_both, ended=ended)

    run(main())
