"""The command line: one module for each of the COMMANDS, loaded when it is called."""

import sys
from difflib import get_close_matches
from importlib import import_module

import click

from rtlab.errors import RtlabError

COMMANDS = {
    "demo": "Serve a simulated market and its dashboard.",
    "serve": "Serve a feed: a simulated market, over WebSocket.",
    "record": "Record a feed, an engine or a recording, hot and cold.",
    "import": "Add your own trades (CSV, Parquet) to a store.",
    "export": "Write rows of a store to CSV or Parquet.",
    "tend": "Compact a store, drop what is too old, check the rest.",
    "replay": "Send a recording or a session through the feed, and check it.",
    "note": "Write on a recorded session, or read what was written.",
    "report": "Make one HTML page of a recorded session.",
    "journal": "Verify, print or replay an engine's journal.",
    "chaos": "Break the feed in seeded runs, and check what it cost.",
    "bus": "Look after the bus and its dead letters.",
    "deploy": "Write the files with which a feed is run for others.",
    "bench": "Measure, side by side with a peer.",
    "config": "Tell each setting, and where it came from.",
    "doctor": "Tell what this machine has, and what is missing.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in ("import", "export"):  # which are no names of modules
            found: click.Command = getattr(import_module("rtlab.cli.transfer"), f"{cmd_name}_command")
            return found
        command: click.Command = import_module(f"rtlab.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            near = get_close_matches(args[0], COMMANDS, n=1)
            raise click.UsageError(
                f"there is no command {args[0]!r}: expected one of {', '.join(COMMANDS)}"
                + (f" (did you mean {near[0]}?)" if near else "")
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rtlab", message="rtlab %(version)s")
def cli() -> None:
    """rtlab, the real-time lab: see a live market, and the truth when things go wrong at speed."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command; every error that has an author ends in one line and exit status 2."""
    try:
        status = cli.main(args=arguments, prog_name="rtlab", standalone_mode=False)
    except RtlabError as error:
        _fail(str(error))
    except click.ClickException as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):  # of click 8.2 and newer
            error.show()  # help, which is no line
            sys.exit(error.exit_code)
        _fail(_told(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # `rtlab bench flow | head`
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def _told(error: click.ClickException) -> str:
    if not isinstance(error, click.NoSuchOption | click.MissingParameter) or error.ctx is None:
        return error.format_message()
    path = error.ctx.command_path
    if isinstance(error, click.MissingParameter):
        return f"{error.format_message()} `{path} --help` tells what it takes"
    known = [name for one in error.ctx.command.params for name in one.opts if name.startswith("--")]
    typed = error.option_name.lstrip("-")
    near = [name for name in known if typed and typed in name] or get_close_matches(error.option_name, known)
    return f"`{path}` has no option {error.option_name}: " + (
        f"did you mean {' or '.join(near)}?" if near else f"`{path} --help` tells which it has"
    )


def _fail(line: str) -> None:
    click.echo(f"rtlab: {' '.join(line.split())}", err=True)
    sys.exit(2)
