"""`rtlab doctor`: what this machine has, and what is missing."""

import json

import click

from rtlab.cli.checks import findings
from rtlab.cli.running import settings_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--browser", is_flag=True, help="Also ask the browser what it draws with; takes seconds.")
def command(as_json: bool, browser: bool) -> int:
    """Look at Python, packages, kernels, ports, servers, clock, disk and limits.

    Each finding that is not good says what to do; exit status 1 when something needed is missing.
    """
    found = findings(settings_of({}), with_browser=browser)
    if as_json:
        click.echo(json.dumps({"findings": [one._asdict() for one in found]}))
    else:
        for one in found:
            sign = "ok  " if one.good else "MISS" if one.needed else "info"
            click.echo(f"{sign} {one.name:<22} {one.found}" + ("" if one.good else f" -> {one.mend}"))
    return 0 if all(one.good for one in found if one.needed) else 1
