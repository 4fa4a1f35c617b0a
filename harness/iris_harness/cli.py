"""The command `iris-testbed`. Every error is one line on stderr; see `status` for exit statuses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from iris_contract.errors import TestbedError
from iris_contract.scorecard import FAMILIES, VERDICTS
from iris_harness import status
from iris_harness.signals import Stopped, catch_signals

if TYPE_CHECKING:
    from iris_harness.scenario import Scenario

__all__ = ["cli", "main"]

DIRECTORY = click.Path(file_okay=True, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="iris-testbed")
def cli() -> None:
    """Proving ground for the data reduction of TMT/IRIS.

    Simulates raw frames whose truth is known, calibrates and reduces them with references that CRDS
    selects, and says how wrong each algorithm is, with what confidence, against which requirement.

    Exit status: 0 done; 1 a FAIL and 3 an INCONCLUSIVE or NOT_MEASURED, both only with --strict;
    1 from check: a file violates its layout; 4 any verdict ERROR; 2 usage or input; 130 interrupted,
    129 and 143 ended by SIGHUP and SIGTERM.
    PASS and NOT_APPLICABLE decide nothing.
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
    """Run every stage of SCENARIO and print where its report is.

    SCENARIO is a name that `scenarios` lists, or a YAML file.
    An interrupted run goes on where it stopped when the same command is given again.
    """
    _run(scenario, out, until="report", **options)


@cli.command()
@click.argument("scenario")
@click.option("--out", type=DIRECTORY, default=None, help="Run directory [default: runs/SCENARIO].")
@_run_options
def simulate(scenario: str, out: Path | None, **options: Any) -> None:
    """Only simulate SCENARIO: raw frames and truth."""
    _run(scenario, out, until="simulate", **options)


def _run(scenario: str, out: Path | None, until: str, strict: bool = False, **options: Any) -> None:
    from iris_harness.scenario import find_scenario, load_scenario
    from iris_harness.stages import run_stages

    loaded = load_scenario(find_scenario(scenario))
    nights = options["nights"]
    _warn_of_few_nights(loaded, loaded.nights if nights is None else nights, until)
    root = out if out is not None else Path("runs") / loaded.name
    _finish(run_stages(root, loaded, until=until, **options), strict)


def _continue(run_path: Path, until: str, strict: bool = False, **options: Any) -> None:
    from iris_harness.run_directory import read_run
    from iris_harness.stages import run_stages

    scenario, seed, nights = read_run(run_path)
    _warn_of_few_nights(scenario, nights, until)
    _finish(run_stages(run_path, scenario, until=until, seed=seed, nights=nights, **options), strict)


def _warn_of_few_nights(scenario: Scenario, nights: int, until: str) -> None:
    """Say beforehand that nothing will be decided; blocks of one night are realisations of their own."""
    from iris_validators.intervals import MIN_NIGHTS

    if until in {"validate", "report"} and nights < MIN_NIGHTS and scenario.blocks is None:
        text = f"below {MIN_NIGHTS} nights there is no interval: every verdict will be INCONCLUSIVE"
        click.echo(f"iris-testbed: warning: {text}", err=True)


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
    """Score the products of RUN, or those that a manifest lists."""
    if manifest is None:
        _continue(run_path, "validate", strict, jobs=jobs, quiet=quiet)
        return
    from iris_contract.manifest import read_manifest
    from iris_harness.foreign import score_foreign
    from iris_harness.run_directory import read_run
    from iris_harness.stages import Outcome

    score = score_foreign(run_path, manifest)
    scenario, _, nights = read_run(run_path)
    _warn_of_few_nights(scenario, nights, "validate")
    for warning in score.warnings:
        click.echo(f"iris-testbed: warning: {warning}", err=True)
    rows = score.scorecard.rows
    summary = [status.summarise(rows), *status.count_untouched(rows, {row.family for row in read_manifest(manifest)})]
    summary += [f"scores: {score.folder}", f"report: {score.report}"]
    _finish(Outcome("\n".join(summary), tuple(row.verdict for row in rows)), strict)


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
@click.argument("name", metavar="CAMPAIGN")
@click.option("--out", type=DIRECTORY, required=True, help="Folder of the campaign's runs.")
@click.option("--nights", type=click.IntRange(1, 1000), default=None, help="Nights [default: the campaign's].")
@_JOBS
@click.option("--quiet", is_flag=True, help="No progress.")
def campaign(name: str, out: Path, nights: int | None, jobs: int | None, quiet: bool) -> None:
    """Run the variants of a scenario in CAMPAIGN, and compare.

    CAMPAIGN is budget, plan, or a YAML file; each variant is compared with the first.

    An error budget leaves out one group of effects at a time; a calibration plan changes numbers of exposures.
    """
    from iris_harness.campaign import find_campaign, load_campaign, run_campaign
    from iris_harness.scenario import load_scenario

    path = find_campaign(name)
    loaded = load_campaign(path)
    _warn_of_few_nights(load_scenario(loaded.scenario), loaded.nights if nights is None else nights, "validate")
    click.echo(run_campaign(path, out, nights=nights, jobs=jobs, quiet=quiet))


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check FILES against their layouts.

    Prints one line per violation, or how many files conform.
    Exit status: 0 all conform, 1 there are violations, 2 a file is unreadable.
    """
    from iris_contract.check import check_file

    worst = status.DONE
    for file in files:
        try:
            violations = check_file(file)
        except TestbedError as error:
            click.echo(f"iris-testbed: {error}", err=True)
            worst = status.USAGE
            continue
        for violation in violations:
            click.echo(f"{file}: {violation}")
        worst = max(worst, status.FAILED if violations else status.DONE)
    if worst == status.DONE:
        click.echo("1 file conforms" if len(files) == 1 else f"{len(files)} files conform")
    sys.exit(worst)


@cli.group()
def crds() -> None:
    """Build the CRDS cache of a run, or print how to use it."""


@crds.command("build")
@_stage_options
def crds_build(run_path: Path, jobs: int | None, quiet: bool) -> None:
    """Make the cache of RUN from its calibrations, in one delivery."""
    _continue(run_path, "deliver", jobs=jobs, quiet=quiet)


@crds.command("env")
@click.argument("run_path", metavar="RUN", type=DIRECTORY)
@click.option("--oracle", is_flag=True, help="The cache of references made from truth.")
def crds_env(run_path: Path, oracle: bool) -> None:
    """Print shell lines that make `crds` use the cache of RUN.

    With them the plain `crds` command, `strun` and any program that uses the package find its references.
    """
    from shlex import quote

    from iris_reduction.cache import SERVERLESS, read_config

    cache = run_path.resolve() / ("crds-oracle" if oracle else "crds")
    read_config(cache)  # says so in one line if there is no cache yet
    for key, value in (("PATH", str(cache)), ("OBSERVATORY", "tmt"), ("SERVER_URL", SERVERLESS)):
        click.echo(f"export CRDS_{key}={quote(value)}")


def _list(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON, or as a table that a terminal folds at blanks and a pipe gets as wide as it is."""
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    from iris_harness.tables import format_table

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in format_table(rows, width):
        click.echo(line)


def _json_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@cli.command()
@_json_option
def scenarios(as_json: bool) -> None:
    """List the scenarios that ship, and their files to copy from."""
    from iris_harness.listings import abridge_scenarios, describe_scenarios

    rows = describe_scenarios()
    _list(rows if as_json else abridge_scenarios(rows), as_json)
    if not as_json:
        click.echo(f"files to copy from: {Path(rows[0]['file']).parent}/NAME.yaml")


@cli.command()
@_json_option
def algorithms(as_json: bool) -> None:
    """List the algorithms of every family, plug-ins included."""
    from iris_harness.listings import describe_algorithms

    _list(describe_algorithms(), as_json)


@cli.command()
@click.argument("run_path", metavar="[RUN]", type=DIRECTORY, required=False)
@click.option(
    "--family",
    "families",
    metavar="FAMILY",
    multiple=True,
    type=click.Choice(FAMILIES, case_sensitive=False),
    help="Only this family, as ramp; repeatable.",
)
@click.option(
    "--verdict",
    "verdicts",
    metavar="VERDICT",
    multiple=True,
    type=click.Choice(VERDICTS, case_sensitive=False),
    help="Only rows of RUN with this verdict, as FAIL; repeatable.",
)
@_json_option
def metrics(run_path: Path | None, families: tuple[str, ...], verdicts: tuple[str, ...], as_json: bool) -> None:
    """List the specifications, or what RUN measured.

    Without RUN, one row for each specification: limits, where they come from, the value that is expected and its
    margin to the nearer limit, the chance to PASS in 8 nights, and the nights that make this chance 99 %.

    With RUN, one row for each of its verdicts: the value with its 95 % interval, the limits, the margin to the nearer
    one (negative: outside), and the nights that make the chance to PASS 99 %, by the scatter between the nights there
    are; none where the value lies outside the limits or nights do not scatter. --json has more figures.
    """
    from iris_harness.listings import abridge_metrics, abridge_specifications, describe_metrics

    if verdicts and run_path is None:
        raise click.UsageError("--verdict chooses rows of a run: give RUN")
    every = describe_metrics(run_path)
    rows = [row for row in every if not families or row["family"] in families]
    rows = [row for row in rows if not verdicts or row["verdict"] in verdicts]
    abridge = abridge_specifications if run_path is None else abridge_metrics
    _list(rows if as_json else abridge(rows), as_json)
    if every and len(rows) < len(every):
        click.echo(f"{len(rows)} of {len(every)} rows", err=True)


@cli.command()
@_json_option
def references(as_json: bool) -> None:
    """List the reference types and how CRDS selects them."""
    from iris_harness.listings import describe_references

    _list(describe_references(), as_json)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; never show a traceback for what a user can cause."""
    try:
        with catch_signals():
            cli.main(arguments, prog_name="iris-testbed", standalone_mode=False)
    except click.exceptions.Abort:
        _stop("interrupted; give the same command again to go on", status.INTERRUPTED)
    except Stopped as stopped:
        _stop(f"ended by {stopped.name}; give the same command again to go on", stopped.exit_status)
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
    with suppress(OSError):  # a terminal that was closed
        print(f"iris-testbed: {message}", file=sys.stderr)
    sys.exit(code)
