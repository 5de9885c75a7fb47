"""The command line. Results go to standard output, progress and errors to standard error."""

import io
import json
import os
import shlex
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scorecard import private, steps
from scorecard.catalogue import load_catalogue, source_names
from scorecard.errors import ScorecardError
from scorecard.periods import Grain, Period, parse_period
from scorecard.settings import load_settings
from scorecard.settings_file import EXAMPLE, NAME
from scorecard.text import in_json, on_lines, on_one_line, plain

app = typer.Typer(
    help="KPIs and CPIs from CRM and billing data, as scorecards that can be proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# Data is text: `:x:` in a name is no emoji.
_out = Console(width=None if sys.stdout and sys.stdout.isatty() else 200, emoji=False)
_err = Console(stderr=True, highlight=False, emoji=False)
_ROWS_SHOWN = 40

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
PeriodText = Annotated[
    str | None,
    typer.Option("--period", metavar="PERIOD", help="2017, 2017-Q4, 2017-12, 2017-W52 or 2017-12-31."),
]
ScorecardName = Annotated[str | None, typer.Option("--scorecard", help="Only this scorecard.")]
Provisional = Annotated[
    bool,
    typer.Option("--provisional", help="Publish a period that isn't over by the data, and say so on it."),
]


def main() -> None:
    """Run the command line; an error is a sentence and exit code 1."""
    # Whoever closed one of them wants to read none of it.
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        app()
    except ScorecardError as error:
        _complain(error)
        raise SystemExit(1) from None
    except BrokenPipeError:
        # Whoever read us has seen enough, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if not _environments(error):
            sys.stderr.write(on_lines(traceback.format_exc()))
            raise SystemExit(1) from None
        _complain(
            ScorecardError(
                f"The machine or a file of {load_settings().state} failed: {type(error).__name__}: {plain(error)}.",
                "Mend what it names and run again; what is published stays.",
            )
        )
        raise SystemExit(1) from None


def _environments(error: Exception) -> bool:
    """Whether an error is of disks, permissions and files, rather than a fault of this program."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb", "sqlite3")


@app.callback()
def before_each() -> None:
    """Set up what every command needs."""
    private.keep_private(load_settings())


@app.command()
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
        _say(f"There is no {NAME}: the settings are the samples' company's, of {EXAMPLE}.")
    wanted = _wanted(period, scorecard, provisional)
    failed = steps.extract_all(settings, source_names(settings), _say)
    for error in failed:
        _complain(error)
    steps.build(settings, _say)
    _publish_all(_due(scorecard, wanted), as_json, provisional, bool(failed))


@app.command()
def extract(
    source: Annotated[list[str] | None, typer.Argument(help="Sources; all if none is named.")] = None,
) -> None:
    """Bring the raw tables up to date with the sources."""
    settings = load_settings()
    known = source_names(settings)
    for name in source or ():
        _known(name, known, "SOURCE")
    failed = steps.extract_all(settings, source or known, _say)
    for error in failed:
        _complain(error)
    if failed:
        raise typer.Exit(1)


@app.command()
def confirm(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source, as the error names it.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The export, or the table of a database or service.")],
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="The version, as the error names it.")],
) -> None:
    """Accept one version of an export that is held as suspect; it is noted who did."""
    done = steps.confirm(load_settings(), source, file, sha256)
    _say(
        f"{done.source}/{done.file} {done.sha256} was confirmed by {done.confirmed_by}."
        f" Run `scorecard extract {shlex.quote(done.source)}`, or all of `scorecard run`, to load it."
    )


@app.command()
def confirmations(as_json: AsJson = False) -> None:
    """Show which suspect exports were confirmed, by whom and when."""
    found = [asdict(each) for each in steps.confirmations(load_settings())]
    _show(found, as_json, ("confirmed_at", "confirmed_by", "source", "file", "sha256", "problem"))


@app.command()
def check(as_json: AsJson = False) -> None:
    """Say what is wrong in metrics, dimensions, scorecards, sources, rules and targets; exit 1 if something is."""
    mistakes, others = steps.check_declarations(load_settings())
    if as_json:
        located = [{**asdict(each), "path": str(each.path)} for each in mistakes]
        _json([*located, *({"path": None, "line": None, "problem": e.problem, "cure": e.cure} for e in others)])
    else:
        for each in (*mistakes, *others):
            _print(str(each))
    if mistakes or others:
        raise typer.Exit(1)
    if not as_json:
        _say("Nothing is wrong in the declarations.")


sources_app = typer.Typer(help="Look at the sources without extracting them.", no_args_is_help=True)
app.add_typer(sources_app, name="sources")


@sources_app.command("check")
def sources_check(as_json: AsJson = False) -> None:
    """Say of each source whether it can be reached, as whom, what it may read, and what is missing."""
    found = []
    # One that can't be reached takes a minute or two until it is given up: what is known is told before.
    for each in steps.check_sources(load_settings()):
        found.append(each)
        state = "ok" if each.reached and not each.missing else "incomplete" if each.reached else "not reached"
        missing = f"; missing: {' '.join(each.missing)}" if each.missing else ""
        if not as_json:
            reads = ", ".join(each.reads) or "nothing"
            _print(f"{each.source}: {state}, as {each.who}, may read {reads}{missing}")
    if as_json:
        _json([asdict(each) for each in found])
    if any(each.missing for each in found):
        raise typer.Exit(1)


@app.command()
def build() -> None:
    """Check what was extracted, build the warehouse, check the KPIs, publish the snapshot."""
    steps.build(load_settings(), _say)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dbt(arguments: typer.Context) -> None:
    """Run any command of dbt on the warehouse, as `scorecard dbt test --select core_account`."""
    if not steps.run_dbt(load_settings(), arguments.args):
        raise typer.Exit(1)


@app.command()
def publish(
    period: PeriodText = None,
    scorecard: ScorecardName = None,
    provisional: Provisional = False,
    as_json: AsJson = False,
) -> None:
    """Close, render and deliver from the warehouse as it was last built."""
    wanted = _wanted(period, scorecard, provisional)
    _publish_all(_due(scorecard, wanted), as_json, provisional, False)


@app.command()
def metrics(as_json: AsJson = False) -> None:
    """Show the catalogue: every metric and what it means."""
    found = [
        {"class" if key == "metric_class" else key: value for key, value in asdict(metric).items()}
        for metric in load_catalogue(load_settings()).metrics.values()
    ]
    columns = ("name", "label", "unit", "direction", "level", "class", "aggregate", "formula")
    shown = [{**entry, **{key: entry[key]["en"] for key in ("label", "formula")}} for entry in found]
    _show(found, as_json, columns, shown)


@app.command()
def values(
    metric: Annotated[str | None, typer.Option(help="Only this metric.")] = None,
    period: PeriodText = None,
    by: Annotated[str | None, typer.Option(metavar="DIMENSION", help="Only members of this one, as region.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show values by metric, period and member."""
    from scorecard.archive.index import figure_ids
    from scorecard.warehouse.values import read_values

    settings = load_settings()
    wanted = _period(period)
    catalogue = load_catalogue(settings)
    _known(metric, catalogue.metrics, "--metric")
    _known(by, catalogue.dimensions, "--by")
    # Closes hold units: a figure of the company is found under its only unit.
    ids = figure_ids(settings, metric, wanted.label if wanted else None, "business_unit" if by == "company" else by)
    found = read_values(settings, ids, metric, wanted, by, steps.units_behind(settings))
    columns = (
        "metric",
        "period",
        "scope",
        "dimension",
        "member",
        "value",
        "target",
        "status",
        "observations",
        "partial",
        "figure_id",
    )
    _show(
        found,
        as_json,
        columns,
        [{**row, "value": _ends(row["value"], row["at_most"], row["na_reason"])} for row in found],
    )


@app.command()
def closes(as_json: AsJson = False) -> None:
    """Show the closes, in the order of closing."""
    from scorecard.archive import store

    found = store.closes(load_settings())
    _show(found, as_json, ("close_id", "sequence", "closed_at", "content_sha256"))


@app.command()
def render(
    close: Annotated[str, typer.Argument(help="Id of a close, as `scorecard closes` shows it.")],
    language: Annotated[str, typer.Option(help="Language of the page.")],
    output: Annotated[Path, typer.Option(help="File to write.")],
) -> None:
    """Render a close again: the same bytes, always."""
    from scorecard.languages import languages
    from scorecard.rendering.render import render as pdf

    settings = load_settings()
    reports = settings.project / "reports"
    _known(language, languages(reports), "--language")
    steps.write_whole(output, pdf(steps.open_close(settings, close), language, reports))
    _say(f"Written: {output}")


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Check every hash of every close, and the chain that joins them."""
    result = steps.verify(load_settings())
    if as_json:
        _json(result)
    else:
        for entry in result["broken"]:
            _print(f"{entry['close_id']}: {entry['problem']}")
        _out.print(f"{result['closes']} closes, {len(result['broken']) or 'none'} broken")
    if not result["ok"]:
        raise typer.Exit(1)


@app.command()
def trace(
    figure: Annotated[str, typer.Argument(metavar="FIGURE_ID", help="As sales-2017-Q4-e1.F001.")],
    as_json: AsJson = False,
) -> None:
    """Prove a figure: compute it again from the frozen records and list them."""
    from scorecard.archive.store import split_figure_id

    with _wrong_use("FIGURE_ID"):
        split_figure_id(figure)
    result = steps.trace(load_settings(), figure)
    if as_json:
        _json(result)
    else:
        _show_trace(result)
    if not result["equal"]:
        raise ScorecardError(
            f"{figure} is not what its records give.",
            "Run `scorecard verify`; the close is not to be trusted.",
        )


@app.command()
def deliveries(
    resend: Annotated[
        tuple[str, str] | None, typer.Option(metavar="CLOSE RECIPIENT", help="Allow one more try.")
    ] = None,
    mark_sent: Annotated[tuple[str, str] | None, typer.Option(metavar="CLOSE RECIPIENT", help="It did arrive.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was mailed to whom; decide about a letter whose outcome is unknown."""
    from scorecard.delivery import ledger

    settings = load_settings()
    if resend:
        ledger.resend(settings, *resend)
    if mark_sent:
        ledger.mark_sent(settings, *mark_sent)
    found = [asdict(row) for row in ledger.deliveries(settings)]
    _show(found, as_json, ("scorecard", "period", "edition", "recipient", "state", "changed_at", "detail"))


@app.command()
def watch() -> None:
    """Tell each owner whose scorecard missed its deadline, and send notices that wait; exit 1 if one did."""
    if steps.watch(load_settings(), _say):
        raise typer.Exit(1)


@app.command()
def plan(as_json: AsJson = False) -> None:
    """Show the pass that computes each metric, or why it has none: with the SQL of the passes under --json."""
    rows = steps.plan(load_settings(), _say)
    _show(rows, as_json, ("metric", "pass", "shares_with", "reason"))


@app.command()
def generate(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if something is stale.")] = False,
) -> None:
    """Write what is generated: dbt's list of KPI models, the metric reference, and the schemas for editors."""
    from scorecard import reference

    stale = reference.generate(load_settings(), write=not check)
    for path in stale:
        _say(f"{'Stale' if check else 'Written'}: {path}")
    if check and stale:
        raise ScorecardError("Generated files are stale.", "Run `scorecard generate` and commit what it writes.")


@app.command()
def translations(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if words of the product's lack.")
    ] = False,
    catalogue: Annotated[
        str, typer.Option(help="Which catalogue takes what is new: the company's, or one of the product's own.")
    ] = "company",
) -> None:
    """Bring the catalogues of other languages up to date with what metrics, scorecards and checks say in English."""
    from scorecard import translations as words

    project = load_settings().project
    if not check:
        for path in words.update(project, f"{catalogue}.po"):
            _say(f"Written: {path}")
    wrong = False
    for report in words.check(project):
        for problem in report.problems:
            _say(f"{'Warning' if report.is_company else 'Error'}: {report.language}, {problem}")
        missing = len(report.problems)
        _print(f"{report.language} {report.path.name}: {report.messages - missing} of {report.messages} messages")
        wrong = wrong or bool(report.problems and not report.is_company)
    if wrong:
        raise ScorecardError("The product's words are not complete.", "Write them into the catalogues that are named.")


def _wanted(text: str | None, scorecard: str | None, provisional: bool) -> Period | None:
    """Read which period of which scorecard is asked for; refuse what is never published."""
    period = _period(text)
    if provisional and period is None:
        raise typer.BadParameter("Name the period that is to be published.", param_hint="--provisional")
    _known(scorecard, load_catalogue(load_settings()).scorecards, "--scorecard")
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
    asked = [catalogue.scorecard(scorecard)] if scorecard else list(catalogue.scorecards.values())
    return {cadence for each in asked for cadence in each.cadences}


def _due(scorecard: str | None, period: Period | None) -> list[tuple[str, str]]:
    settings = load_settings()
    cadences = {period.grain} if period else _cadences(scorecard)
    label = period.label if period else None
    longest_first = [cadence for cadence in reversed(Grain) if cadence in cadences]
    found = [each for cadence in longest_first for each in steps.due(settings, cadence, label, scorecard, _say)]
    if not found:
        raise ScorecardError("No scorecard has data to publish.", "Choose a period that the sources cover.")
    return found


def _publish_all(due: list[tuple[str, str]], as_json: bool, provisional: bool, failed_before: bool) -> None:
    """Publish each; one that is held back or fails doesn't stop the others, but the exit code says so."""
    published: list[dict[str, Any]] = []
    failed: list[ScorecardError] = []
    unsent = False
    for scorecard, period in due:
        try:
            done = steps.publish_one(load_settings(), scorecard, period, _say, provisional=provisional)
        except ScorecardError as error:
            failed.append(error)
            continue
        for outcome in done.outcomes:
            if outcome.cure:
                _say(f"{done.close_id} to {outcome.key.recipient}: {outcome.state}, {outcome.detail}. {outcome.cure}")
                unsent = True
        mailed = [{"recipient": each.key.recipient, "state": each.state, "now": each.now} for each in done.outcomes]
        pdfs = [str(path) for path in done.pdfs]
        published.append({"close_id": done.close_id, "created": done.created, "pdfs": pdfs, "mailed": mailed})
    if as_json:
        _json(published)
    else:
        for entry in published:
            for path in entry["pdfs"]:
                _print(path)
    for each in failed:
        _complain(each)
    if failed or unsent or failed_before:
        raise typer.Exit(1)


def _period(text: str | None) -> Period | None:
    if text is None:
        return None
    with _wrong_use("--period"):
        return parse_period(text, load_settings().fiscal)


def _known(name: str | None, known: Iterable[str], option: str) -> None:
    if name is not None and name not in known:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(sorted(known))}.", param_hint=option)


@contextmanager
def _wrong_use(option: str) -> Iterator[None]:
    try:
        yield
    except ScorecardError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _complain(error: ScorecardError) -> None:
    _err.print(f"[bold red]Error:[/] {escape(on_lines(str(error)))}", soft_wrap=True)


def _say(line: str) -> None:
    _err.print(escape(on_one_line(line)), soft_wrap=True)


def _print(line: str) -> None:
    _out.print(escape(on_one_line(line)), soft_wrap=True)


def _json(value: object) -> None:
    sys.stdout.write(in_json(json.dumps(value, ensure_ascii=False, default=str)) + "\n")


def _show(
    rows: list[dict[str, Any]],
    as_json: bool,
    columns: tuple[str, ...],
    shown: list[dict[str, Any]] | None = None,
    hint: str = "narrow it, or take --json",
) -> None:
    if as_json:
        _json(rows)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in (shown or rows)[:_ROWS_SHOWN]:
        table.add_row(*(escape("" if row[column] is None else on_one_line(str(row[column]))) for column in columns))
    _out.print(table)
    if len(rows) > _ROWS_SHOWN:
        _out.print(f"… and {len(rows) - _ROWS_SHOWN:,} more; {hint}.")


def _ends(value: str | None, at_most: str | None, reason: str | None) -> str:
    """Write a value: with both ends while it isn't settled, with the reason where there is none."""
    if value is None:
        return f"n/a: {reason}"
    return value if at_most is None else f"{value} to {at_most}"


def _show_trace(result: dict[str, Any]) -> None:
    _print(f"{result['figure_id']}: {result['metric']} {result['period']}, {result['dimension']} {result['member']}")
    _print(
        f"printed {_ends(result['value'], result['at_most'], result['reason'])}, "
        f"computed again {result['recomputed']}: {'equal' if result['equal'] else 'NOT EQUAL'}"
    )
    if result["reason"]:
        _print(f"n/a because: {result['reason']}")
    for term in result["terms"]:
        _print(f"made of {term['term']}: {'n/a' if term['value'] is None else term['value']}")
    if result["at_most"]:
        _print("not settled: the records with a day under settles_on may still count in full")
    for warning in result["warnings"]:
        _print(f"{warning['severity']}: {warning['message']}")
    columns = ("source", "object", "record_id", "file", "line", "occurred_at", "numerator", "denominator")
    unsettled = ("settles_on",) if result["at_most"] else ()
    _show(result["observations"], False, (*columns, *unsettled), hint="take --json for all")
    _out.print()
    _print("from these fields of the source:")
    for column, fields in result["columns"].items():
        if fields:
            _print(f"  {column}: {', '.join(fields)}")
    if kept := result["provenance"]:
        _out.print()
        _print(f"the same value of other records since {kept['kept_at']} (provenance {kept['number']}), net effect 0:")
        for side in ("without", "with"):
            for record in kept[side]:
                _print(f"  {side} {record['object']} {record['record_id']}, {record['file']}:{record['line']}")
    _out.print(escape(on_lines(f"\ncomputed by:\n{result['sql']}")), soft_wrap=True)


if __name__ == "__main__":
    main()
