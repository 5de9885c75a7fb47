"""The commands `scorecard sources …`."""

from dataclasses import asdict

import typer

from scorecard import steps
from scorecard.cli.options import AsJson
from scorecard.cli.output import show_json, show_line
from scorecard.shared.settings import load_settings

app = typer.Typer(help="Look at the sources without extracting them.", no_args_is_help=True)


@app.command("check")
def sources_check(as_json: AsJson = False) -> None:
    """Show for each source whether it can be reached, as whom, what it may read, and what is missing."""
    checked = []
    # An unreachable source takes a minute or two until it is given up, so earlier results are printed first.
    for source in steps.check_sources(load_settings()):
        checked.append(source)
        state = "ok" if source.reached and not source.missing else "incomplete" if source.reached else "not reached"
        missing = f"; missing: {' '.join(source.missing)}" if source.missing else ""
        if not as_json:
            reads = ", ".join(source.reads) or "nothing"
            show_line(f"{source.source}: {state}, as {source.who}, may read {reads}{missing}")
    if as_json:
        show_json([asdict(source) for source in checked])
    if any(source.missing for source in checked):
        raise typer.Exit(1)
