"""Commands that bring data in, build the warehouse and publish scorecards."""

import shlex
from dataclasses import asdict
from typing import Annotated, Any

import typer

from scorecard import steps
from scorecard.catalogue import load_catalogue, source_names
from scorecard.cli.options import AsJson, PeriodText, Provisional, ScorecardName, period_of, refuse_unknown
from scorecard.cli.output import complain, say, show_json, show_line, show_rows
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import Grain, Period
from scorecard.shared.settings import load_settings
from scorecard.shared.settings_file import EXAMPLE, NAME


def run(
    period: PeriodText = None,
    scorecard: ScorecardName = None,
    provisional: Provisional = False,
    as_json: AsJson = False,
) -> None:
    """Extract, build, check, close, render and deliver.

    Without a period, each scorecard's newest that is due, complete and has data, for each of its cadences.
    """
    settings = load_settings()
    if settings.file.name == EXAMPLE:
        say(f"There is no {NAME}: the settings are the samples' company's, of {EXAMPLE}.")
    wanted = _wanted(period, scorecard, provisional)
    failed = steps.extract_all(settings, source_names(settings), say)
    for error in failed:
        complain(error)
    steps.build(settings, say)
    _publish_all(_due(scorecard, wanted), as_json, provisional, bool(failed))


def extract(
    source: Annotated[list[str] | None, typer.Argument(help="Sources; all if none is named.")] = None,
) -> None:
    """Bring the raw tables up to date with the sources."""
    settings = load_settings()
    known = source_names(settings)
    for name in source or ():
        refuse_unknown(name, known, "SOURCE")
    failed = steps.extract_all(settings, source or known, say)
    for error in failed:
        complain(error)
    if failed:
        raise typer.Exit(1)


def confirm(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source, as the error names it.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The export, or the table of a database or service.")],
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="The version, as the error names it.")],
) -> None:
    """Confirm one version of a suspect export; the confirmation keeps who did it."""
    done = steps.confirm(load_settings(), source, file, sha256)
    say(
        f"{done.source}/{done.file} {done.sha256} was confirmed by {done.confirmed_by}."
        f" Run `scorecard extract {shlex.quote(done.source)}`, or all of `scorecard run`, to load it."
    )


def confirmations(as_json: AsJson = False) -> None:
    """Show which suspect exports were confirmed, by whom and when."""
    confirmed = [asdict(confirmation) for confirmation in steps.confirmations(load_settings())]
    show_rows(confirmed, as_json, ("confirmed_at", "confirmed_by", "source", "file", "sha256", "problem"))


def build() -> None:
    """Check what was extracted, build the warehouse, check the KPIs, publish the snapshot."""
    steps.build(load_settings(), say)


def dbt(arguments: typer.Context) -> None:
    """Run any command of dbt on the warehouse, as `scorecard dbt test --select core_account`."""
    if not steps.run_dbt(load_settings(), arguments.args):
        raise typer.Exit(1)


def publish(
    period: PeriodText = None,
    scorecard: ScorecardName = None,
    provisional: Provisional = False,
    as_json: AsJson = False,
) -> None:
    """Close, render and deliver from the warehouse as it was last built."""
    wanted = _wanted(period, scorecard, provisional)
    _publish_all(_due(scorecard, wanted), as_json, provisional, False)


def watch() -> None:
    """Tell each owner whose scorecard missed its deadline, and send notices that wait; exit 1 if one did."""
    if steps.watch(load_settings(), say):
        raise typer.Exit(1)


def plan(as_json: AsJson = False) -> None:
    """Show the pass that computes each metric, or why it has none: with the SQL of the passes under --json."""
    rows = steps.plan(load_settings(), say)
    show_rows(rows, as_json, ("metric", "pass", "shares_with", "reason"))


def _wanted(text: str | None, scorecard: str | None, provisional: bool) -> Period | None:
    """Read the wanted period and scorecard; refuse a period that is never published."""
    period = period_of(text)
    if provisional and period is None:
        raise typer.BadParameter("Name the period that is to be published.", param_hint="--provisional")
    refuse_unknown(scorecard, load_catalogue(load_settings()).scorecards, "--scorecard")
    cadences = _cadences(scorecard)
    if period and period.grain not in cadences:
        raise typer.BadParameter(
            f"{scorecard or 'No scorecard'} is {'not ' if scorecard else ''}published by {period.grain}."
            f" Choose a {' or a '.join(sorted(cadences))}.",
            param_hint="--period",
        )
    return period


def _cadences(scorecard: str | None) -> set[Grain]:
    catalogue = load_catalogue(load_settings())
    scorecards = [catalogue.scorecard(scorecard)] if scorecard else list(catalogue.scorecards.values())
    return {cadence for entry in scorecards for cadence in entry.cadences}


def _due(scorecard: str | None, period: Period | None) -> list[tuple[str, str]]:
    settings = load_settings()
    cadences = {period.grain} if period else _cadences(scorecard)
    label = period.label if period else None
    longest_first = [cadence for cadence in reversed(Grain) if cadence in cadences]
    publications = [due for cadence in longest_first for due in steps.due(settings, cadence, label, scorecard, say)]
    if not publications:
        raise ScorecardError("No scorecard has data to publish.", "Choose a period that the sources cover.")
    return publications


def _publish_all(due: list[tuple[str, str]], as_json: bool, provisional: bool, failed_before: bool) -> None:
    """Publish each scorecard. One that is held back or fails doesn't stop the others; the exit code says so."""
    published: list[dict[str, Any]] = []
    failed: list[ScorecardError] = []
    unsent = False
    for scorecard, period in due:
        try:
            done = steps.publish_one(load_settings(), scorecard, period, say, provisional=provisional)
        except ScorecardError as error:
            failed.append(error)
            continue
        for outcome in done.outcomes:
            if outcome.cure:
                say(f"{done.close_id} to {outcome.key.recipient}: {outcome.state}, {outcome.detail}. {outcome.cure}")
                unsent = True
        mailed = [
            {"recipient": outcome.key.recipient, "state": outcome.state, "now": outcome.now}
            for outcome in done.outcomes
        ]
        pdfs = [str(path) for path in done.pdfs]
        published.append({"close_id": done.close_id, "created": done.created, "pdfs": pdfs, "mailed": mailed})
    if as_json:
        show_json(published)
    else:
        for entry in published:
            for path in entry["pdfs"]:
                show_line(path)
    for failure in failed:
        complain(failure)
    if failed or unsent or failed_before:
        raise typer.Exit(1)
