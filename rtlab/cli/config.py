"""`rtlab config show`: every setting, its value, and which place it came from."""

import json
import os

import click

from rtlab.config import SECRETS, SETTINGS, load

HIDDEN = "(not shown)"


@click.group()
def command() -> None:
    """Look at the settings: rtlab.toml, then RTLAB_..., then flags; the later wins."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--all", "everything", is_flag=True, help="Also those that are as they are by default.")
def show(as_json: bool, everything: bool) -> None:
    """Print the settings that were set somewhere, and where; secrets are never printed."""
    settings = load(environ=os.environ)
    rows = [
        (name, _shown(name, getattr(settings, name)), settings.origins.get(name, "default"), one.variable)
        for name, one in SETTINGS.items()
        if everything or as_json or name in settings.origins
    ]
    if as_json:
        told = {name: {"value": value, "from": origin, "variable": v} for name, value, origin, v in rows}
        click.echo(json.dumps(told))
        return
    for name, value, origin, variable in rows:
        click.echo(f"{name:24} {value!s:32} {origin:12} {variable}")
    if not rows:
        click.echo("everything is as it is by default; --all shows it")


def _shown(name: str, value: object) -> object:
    return HIDDEN if name in SECRETS and value not in ("none", "embedded") else value
