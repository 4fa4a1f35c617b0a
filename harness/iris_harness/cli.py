"""The command `iris-testbed`. Every error is one line on stderr; see `status` for exit statuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from iris_contract.errors import TestbedError
from iris_harness import status

__all__ = ["cli", "main"]

DIRECTORY = click.Path(file_okay=True, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="iris-testbed")
def cli() -> None:
    """Proving ground for the data reduction of TMT/IRIS.

    Simulates raw frames whose truth is known, calibrates and reduces them with references that CRDS
    selects, and says how wrong each algorithm is, with what confidence, against which requirement.

    Exit status: 0 done; 1 a FAIL and 3 an INCONCLUSIVE or NOT_MEASURED, both only with --strict;
    4 any verdict ERROR; 2 usage or input; 130 interrupted.
    """


_JOBS = click.option(
    "--jobs", type=click.IntRange(1, 256), default=None, help="Worker processes, at most one per core [default: cores]."
)
_STRICT = click.option("--strict", is_flag=True, help="Exit 1 on a FAIL and 3 on an undecided verdict.")


_KEEP = click.option(
    "--keep",
    type=click.Choice(["all", "products"]),
    default="all",
    help="Discard raw frames once they are used and hashed, or keep all.",
)


def _run_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--quiet", is_flag=True, help="No progress."),
        _JOBS,
        click.option("--nights", type=click.IntRange(1, 1000), default=None, help="Nights [default: the scenario's]."),
        click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=None, help="Instrument seed."),
    ):
        command = option(command)
    return command


@cli.command()
@click.argument("scenario")
@click.option("--out", type=DIRECTORY, default=None, help="Run directory [default: runs/SCENARIO].")
@_run_options
@_KEEP
@_STRICT
def run(scenario: str, out: Path | None, **options: Any) -> None:
    """Run every stage of SCENARIO (a name or a YAML file) and print where the report is.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    _run(scenario, out, until="report", **options)


@cli.command()
@click.argument("scenario")
@click.option("--out", type=DIRECTORY, default=None, help="Run directory [default: runs/SCENARIO].")
@_run_options
def simulate(scenario: str, out: Path | None, **options: Any) -> None:
    """Only simulate SCENARIO: raw frames, truth and the oracle's CRDS cache."""
    _run(scenario, out, until="simulate", **options)


def _run(scenario: str, out: Path | None, until: str, strict: bool = False, **options: Any) -> None:
    from iris_harness.scenario import find_scenario, load_scenario
    from iris_harness.stages import run_stages

    path = find_scenario(scenario)
    loaded = load_scenario(path)
    root = out if out is not None else Path("runs") / loaded.name
    _finish(run_stages(root, loaded, until=until, **options), strict)


def _continue(run_path: Path, until: str, strict: bool = False, **options: Any) -> None:
    from iris_harness.run_directory import read_run
    from iris_harness.stages import run_stages

    scenario, seed, nights = read_run(run_path)
    _finish(run_stages(run_path, scenario, until=until, seed=seed, nights=nights, **options), strict)


def _finish(outcome: Any, strict: bool) -> None:
    click.echo(outcome.summary)
    sys.exit(status.find_status(outcome.verdicts, strict=strict))


def _stage_options(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--quiet", is_flag=True, help="No progress.")(command)
    command = _JOBS(command)
    return click.argument("run_path", metavar="RUN", type=DIRECTORY)(command)


@cli.command()
@_stage_options
def calibrate(run_path: Path, jobs: int | None, quiet: bool) -> None:
    """Go on with RUN up to its calibration references."""
    _continue(run_path, "calibrate", jobs=jobs, quiet=quiet)


@cli.command()
@_stage_options
def reduce(run_path: Path, jobs: int | None, quiet: bool) -> None:
    """Go on with RUN up to the reduced products and the manifest."""
    _continue(run_path, "reduce", jobs=jobs, quiet=quiet)


@cli.command()
@_stage_options
@click.option("--manifest", type=click.Path(path_type=Path), default=None, help="Score these products instead.")
@_STRICT
def validate(run_path: Path, jobs: int | None, quiet: bool, manifest: Path | None, strict: bool) -> None:
    """Score the products of RUN, or those that a manifest written by hand lists."""
    if manifest is None:
        _continue(run_path, "validate", strict, jobs=jobs, quiet=quiet)
        return
    from iris_harness.foreign import score_foreign
    from iris_harness.stages import Outcome, summarise

    score = score_foreign(run_path, manifest)
    for warning in score.warnings:
        click.echo(f"iris-testbed: warning: {warning}", err=True)
    verdicts = tuple(row.verdict for row in score.scorecard.rows)
    _finish(Outcome(f"{summarise(verdicts)}\nscores: {score.folder}\nreport: {score.report}", verdicts), strict)


@cli.command()
@click.argument("run_path", metavar="RUN", type=DIRECTORY)
def report(run_path: Path) -> None:
    """Write the HTML report of RUN again and print its path."""
    from iris_harness.run_directory import hold_run, read_run
    from iris_reports import render_report

    read_run(run_path)
    with hold_run(run_path) as held:
        click.echo(render_report(held.root))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=DIRECTORY, required=True, help="Folder of the campaign's runs.")
@click.option("--nights", type=click.IntRange(1, 1000), default=None, help="Nights [default: the campaign's].")
@_JOBS
@click.option("--quiet", is_flag=True, help="No progress.")
def campaign(file: Path, out: Path, nights: int | None, jobs: int | None, quiet: bool) -> None:
    """Run the variants of a scenario that the YAML FILE lists, and compare each with the first.

    An error budget leaves out one effect at a time; a calibration plan changes the number of darks.
    """
    from iris_harness.campaign import run_campaign

    click.echo(run_campaign(file, out, nights=nights, jobs=jobs, quiet=quiet))


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check FILES against their layouts; one line per violation.

    Exit status: 0 all conform, 1 there are violations, 2 a file is unreadable.
    """
    from iris_contract.check import check_file

    worst = 0
    for file in files:
        try:
            violations = check_file(file)
        except TestbedError as error:
            click.echo(f"iris-testbed: {error}", err=True)
            worst = 2
            continue
        for violation in violations:
            click.echo(f"{file}: {violation}")
        worst = max(worst, 1 if violations else 0)
    sys.exit(worst)


@cli.group()
def crds() -> None:
    """The CRDS cache of a run: build it, or print the environment that uses it."""


@crds.command("build")
@_stage_options
def crds_build(run_path: Path, jobs: int | None, quiet: bool) -> None:
    """Make the cache of RUN from its calibrations, in one delivery."""
    _continue(run_path, "deliver", jobs=jobs, quiet=quiet)


@crds.command("env")
@click.argument("run_path", metavar="RUN", type=DIRECTORY)
@click.option("--oracle", is_flag=True, help="The cache of references made from truth.")
def crds_env(run_path: Path, oracle: bool) -> None:
    """Print shell lines that point the plain `crds` command and stpipe at the cache of RUN."""
    from shlex import quote

    from iris_reduction.cache import SERVERLESS, read_config

    cache = run_path.resolve() / ("crds-oracle" if oracle else "crds")
    read_config(cache)  # says so in one line if there is no cache yet
    for key, value in (("PATH", str(cache)), ("OBSERVATORY", "tmt"), ("SERVER_URL", SERVERLESS)):
        click.echo(f"export CRDS_{key}={quote(value)}")


def _list(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON or as a table that fits a terminal."""
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for key in rows[0] if rows else ():
        table.add_column(key.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_print(value) for value in row.values()))
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)


def _print(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)


def _json_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@cli.command()
@_json_option
def scenarios(as_json: bool) -> None:
    """List the scenarios that ship with the testbed, and their files to copy from."""
    from iris_harness.listings import describe_scenarios

    _list(describe_scenarios(), as_json)


@cli.command()
@_json_option
def algorithms(as_json: bool) -> None:
    """List the algorithms of every family, plug-ins included."""
    from iris_harness.algorithms import list_algorithms

    _list(list_algorithms(), as_json)


@cli.command()
@click.argument("run_path", metavar="[RUN]", type=DIRECTORY, required=False)
@_json_option
def metrics(run_path: Path | None, as_json: bool) -> None:
    """List the specifications: limits, provenance, expected margin and power.

    With RUN, what was measured there: margin, and power and nights as the scatter between its nights has it.
    """
    from iris_harness.listings import describe_metrics

    _list(describe_metrics(run_path), as_json)


@cli.command()
@_json_option
def references(as_json: bool) -> None:
    """List the reference types: kind, match keys, time rule and what they serve."""
    from iris_harness.listings import describe_references

    _list(describe_references(), as_json)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; never show a traceback for what a user can cause."""
    try:
        cli.main(arguments, prog_name="iris-testbed", standalone_mode=False)
    except click.exceptions.Abort:
        _stop("interrupted; give the same command again to go on", status.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(status.USAGE)
    except TestbedError as error:
        _stop(str(error), error.exit_status)
    except KeyboardInterrupt:
        _stop("interrupted; give the same command again to go on", status.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(status.DONE)


def _stop(message: str, code: int) -> None:
    print(f"iris-testbed: {message}", file=sys.stderr)
    sys.exit(code)
