"""The commands `scorecard new …`: first files of a company's own sources, facts and metrics."""

from pathlib import Path
from typing import Annotated

import typer

from scorecard.cli.output import say, show_line
from scorecard.scaffold.writing import Started
from scorecard.shared.settings import load_settings

app = typer.Typer(help="Write starting files of a source, a fact or a metric of one's own.", no_args_is_help=True)


@app.command("source")
def new_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source, as orbit_crm.")],
    exports: Annotated[
        list[Path], typer.Option("--from", metavar="FILE", help="An export: CSV, .xlsx or .parquet; may be repeated.")
    ],
    concept: Annotated[str | None, typer.Option(help="What it delivers, as opportunities; else guessed.")] = None,
    unit: Annotated[str | None, typer.Option(help="The business unit whose records these are.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO code of the currency of its amounts.")] = None,
) -> None:
    """Write the declaration of a source and its staging models, guessed from exports."""
    from scorecard.scaffold.source import start_source

    _tell(start_source(load_settings(), name, exports, concept, unit, currency))


@app.command("fact")
def new_fact(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One record, as call.")],
    source: Annotated[str, typer.Option(metavar="SOURCE.TABLE", help="The raw table that has the records.")],
    dimension: Annotated[
        list[str] | None, typer.Option(help="A column that figures are cut by; may be repeated.")
    ] = None,
    moment: Annotated[str | None, typer.Option(help="The column of the day that puts a record in a period.")] = None,
) -> None:
    """Write a concept of one's own and its fact, with a row for every record of a raw table."""
    from scorecard.scaffold.fact import start_fact

    name_of_source, point, table = source.partition(".")
    if not point:
        raise typer.BadParameter(f"{source!r} is no SOURCE.TABLE, as desk.calls.", param_hint="--source")
    _tell(start_fact(load_settings(), name, name_of_source, table, dimension or (), moment))


@app.command("metric")
def new_metric(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The metric, as lost_deals.")],
    fact: Annotated[str, typer.Option(help="The core model whose records it counts.")] = "core_opportunity",
) -> None:
    """Write the SQL and the YAML of a metric."""
    from scorecard.scaffold.metric import start_metric

    _tell(start_metric(load_settings(), name, fact))


def _tell(started: Started) -> None:
    for path in started.files:
        show_line(f"Written: {path}")
    for line in started.to_add:
        show_line(line)
    say("Next:")
    for place, step in enumerate(started.next_steps, start=1):
        say(f"{place}. {step}")
