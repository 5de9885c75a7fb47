"""The commands `scorecard sources …`."""

from dataclasses import asdict

import typer

from scorecard import steps
from scorecard.cli.options import AsJson
from scorecard.cli.output import show_json, show_line
from scorecard.settings import load_settings

app = typer.Typer(help="Look at the sources without extracting them.", no_args_is_help=True)


@app.command("check")
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
            show_line(f"{each.source}: {state}, as {each.who}, may read {reads}{missing}")
    if as_json:
        show_json([asdict(each) for each in found])
    if any(each.missing for each in found):
        raise typer.Exit(1)
