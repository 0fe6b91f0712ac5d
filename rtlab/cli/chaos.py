"""`rtlab chaos`: break the feed in seeded runs, say what was done to whom, and check that nothing was lost silently."""

import click

from rtlab.cli.durations import Duration
from rtlab.cli.running import run, settings_of


@click.command()
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the first run."
)
@click.option("--runs", type=click.IntRange(1, 10_000), default=5, show_default=True, help="How many runs.")
@click.option(
    "--for", "for_s", type=Duration(), default=3.0, show_default=True, help="How long each lasts, as 20s."
)
@click.option("--readers", type=click.IntRange(1, 50), default=4, show_default=True, help="Readers of each.")
@click.option("--process", is_flag=True, help="The gateway is a process of its own, killed and frozen.")
def command(seed: int, runs: int, for_s: float, readers: int, process: bool) -> None:
    """Break the feed in seeded runs; exit status 1 when a book differs or anything was lost silently."""
    settings_of({})
    from rtlab.lab.faults.run import FaultRun, Plan  # late: numba and websockets cost a second

    failed: list[int] = []

    async def main() -> None:
        for one in range(seed, seed + runs):
            report = await FaultRun(Plan(one, for_s, readers, process)).run()
            click.echo("\n".join(report.lines))
            if not report.holds:
                failed.append(one)

    run(main())
    click.echo(f"{runs - len(failed)} of {runs} runs hold")
    if failed:
        click.echo(f"do not hold: seeds {', '.join(map(str, failed))}", err=True)
        raise click.exceptions.Exit(1)
