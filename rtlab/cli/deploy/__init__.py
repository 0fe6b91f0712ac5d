"""`rtlab deploy FOLDER`: write the files with which a feed is run for others, to be read, changed and kept."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from rtlab.errors import ConfigError

ROOT = files("rtlab.cli.deploy") / "files"


def given(below: Traversable = ROOT, path: str = "") -> dict[str, str]:
    """Give the text of every file by its path, in the order of the paths."""
    found: dict[str, str] = {}
    for one in sorted(below.iterdir(), key=lambda entry: entry.name):
        where = f"{path}{one.name}"
        if one.is_dir():
            found |= given(one, f"{where}/")
        else:
            found[where] = one.read_text("utf-8")
    return found


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace files that are there.")
def command(folder: Path, force: bool) -> None:
    """Write systemd units, a compose file, a Kubernetes manifest, nginx, Prometheus and Grafana files to FOLDER.

    They are one set-up: an engine with its journal, gateways, a recorder, a proxy, and what watches them.
    """
    texts = given()
    there = [path for path in texts if (folder / path).exists()]
    if there and not force:
        raise ConfigError(
            f"{folder} has such files already", expected="another folder, or --force", got=", ".join(there)
        )
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
        click.echo(folder / path)
