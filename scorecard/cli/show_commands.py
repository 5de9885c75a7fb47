"""Commands that show what there is: metrics, values, closes, proofs and letters."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from scorecard import steps
from scorecard.catalogue import load_catalogue
from scorecard.cli.options import AsJson, PeriodText, period_of, refuse_unknown, wrong_use
from scorecard.cli.output import ends, out, say, show_json, show_line, show_rows
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import load_settings
from scorecard.shared.text import on_lines


def metrics(as_json: AsJson = False) -> None:
    """Show the catalogue: every metric and what it means."""
    entries = [
        {"class" if key == "metric_class" else key: value for key, value in asdict(metric).items()}
        for metric in load_catalogue(load_settings()).metrics.values()
    ]
    columns = ("name", "label", "unit", "direction", "level", "class", "aggregate", "formula")
    shown = [{**entry, **{key: entry[key]["en"] for key in ("label", "formula")}} for entry in entries]
    show_rows(entries, as_json, columns, shown)


def values(
    metric: Annotated[str | None, typer.Option(help="Only this metric.")] = None,
    period: PeriodText = None,
    by: Annotated[str | None, typer.Option(metavar="DIMENSION", help="Only members of this one, as region.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show values by metric, period and member."""
    from scorecard.closes.verify import figure_ids
    from scorecard.warehouse.values import read_values

    settings = load_settings()
    wanted = period_of(period)
    catalogue = load_catalogue(settings)
    refuse_unknown(metric, catalogue.metrics, "--metric")
    refuse_unknown(by, catalogue.dimensions, "--by")
    # A close is of one unit, so a figure of the whole company stands under its only unit.
    ids = figure_ids(settings, metric, wanted.label if wanted else None, "business_unit" if by == "company" else by)
    figures = read_values(settings, ids, metric, wanted, by, steps.units_behind(settings))
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
    show_rows(
        figures,
        as_json,
        columns,
        [{**row, "value": ends(row["value"], row["at_most"], row["longer_than"], row["na_reason"])} for row in figures],
    )


def closes(as_json: AsJson = False) -> None:
    """Show the closes, in the order of closing."""
    from scorecard.closes import store

    entries = store.closes(load_settings())
    show_rows(entries, as_json, ("close_id", "sequence", "closed_at", "content_sha256"))


def render(
    close: Annotated[str, typer.Argument(help="Id of a close, as `scorecard closes` shows it.")],
    language: Annotated[str, typer.Option(help="Language of the page.")],
    output: Annotated[Path, typer.Option(help="File to write.")],
) -> None:
    """Render a close again: the same bytes, always."""
    from scorecard.pdf import render as render_pdf
    from scorecard.shared.languages import languages

    settings = load_settings()
    reports = settings.project / "reports"
    refuse_unknown(language, languages(reports), "--language")
    steps.write_whole(output, render_pdf(steps.open_close(settings, close), language, reports))
    say(f"Written: {output}")


def verify(as_json: AsJson = False) -> None:
    """Check every hash of every close, and the chain that joins them."""
    result = steps.verify(load_settings())
    if as_json:
        show_json(result)
    else:
        for entry in result["broken"]:
            show_line(f"{entry['close_id']}: {entry['problem']}")
        out.print(f"Closes: {result['closes']}, broken: {len(result['broken']) or 'none'}")
    if not result["ok"]:
        raise typer.Exit(1)


def trace(
    figure: Annotated[str, typer.Argument(metavar="FIGURE_ID", help="As sales-2017-Q4-e1.F001.")],
    as_json: AsJson = False,
) -> None:
    """Prove a figure: compute it again from the frozen records and list them."""
    from scorecard.closes.store import split_figure_id

    with wrong_use("FIGURE_ID"):
        split_figure_id(figure)
    result = steps.trace(load_settings(), figure)
    if as_json:
        show_json(result)
    else:
        _show_trace(result)
    if not result["equal"]:
        raise ScorecardError(
            f"{figure} is not what its records give.",
            "Don't trust the close; run `scorecard verify`.",
        )


def deliveries(
    resend: Annotated[
        tuple[str, str] | None, typer.Option(metavar="CLOSE RECIPIENT", help="Allow one more try.")
    ] = None,
    mark_sent: Annotated[tuple[str, str] | None, typer.Option(metavar="CLOSE RECIPIENT", help="It did arrive.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was mailed to whom; decide about a letter whose outcome is unknown."""
    from scorecard.delivery import deliveries as decisions

    settings = load_settings()
    if resend:
        decisions.resend(settings, *resend)
    if mark_sent:
        decisions.mark_sent(settings, *mark_sent)
    letters = [asdict(row) for row in decisions.read_deliveries(settings)]
    show_rows(letters, as_json, ("scorecard", "period", "edition", "recipient", "state", "changed_at", "detail"))


def _show_trace(result: dict[str, Any]) -> None:
    show_line(f"{result['figure_id']}: {result['metric']} {result['period']}, {result['dimension']} {result['member']}")
    show_line(
        f"printed {ends(result['value'], result['at_most'], result['longer_than'], result['reason'])}, "
        f"computed again {result['recomputed']}: {'equal' if result['equal'] else 'NOT EQUAL'}"
    )
    if result["reason"]:
        show_line(f"n/a because: {result['reason']}")
    for term in result["terms"]:
        show_line(f"made of {term['term']}: {'n/a' if term['value'] is None else term['value']}")
    if result["at_most"]:
        show_line("not settled: the records with a day under settles_on may still count in full")
    for warning in result["warnings"]:
        show_line(f"{warning['severity']}: {warning['message']}")
    columns = ("source", "object", "record_id", "file", "line", "occurred_at", "numerator", "denominator")
    unsettled = ("settles_on",) if result["at_most"] else ()
    waits = ("is_event",) if any(observation["is_event"] is False for observation in result["observations"]) else ()
    show_rows(result["observations"], False, (*columns, *waits, *unsettled), hint="take --json for all")
    out.print()
    show_line("from these fields of the source:")
    for column, fields in result["columns"].items():
        if fields:
            show_line(f"  {column}: {', '.join(fields)}")
    if kept := result["provenance"]:
        out.print()
        show_line(
            f"the same value of other records since {kept['kept_at']} (provenance {kept['number']}), net effect 0:"
        )
        for side in ("without", "with"):
            for record in kept[side]:
                show_line(f"  {side} {record['object']} {record['record_id']}, {record['file']}:{record['line']}")
    out.print(escape(on_lines(f"\ncomputed by:\n{result['sql']}")), soft_wrap=True)
