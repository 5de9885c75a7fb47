"""Commands about declarations: check them, and generate files from them."""

from dataclasses import asdict
from typing import Annotated

import typer

from scorecard import steps
from scorecard.cli.options import AsJson
from scorecard.cli.output import say, show_json, show_line
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import load_settings


def check(as_json: AsJson = False) -> None:
    """Check metrics, dimensions, scorecards, sources, rules and targets; exit 1 if something is wrong."""
    mistakes, others = steps.check_declarations(load_settings())
    if as_json:
        located = [{**asdict(problem), "path": str(problem.path)} for problem in mistakes]
        show_json([*located, *({"path": None, "line": None, "problem": e.problem, "cure": e.cure} for e in others)])
    else:
        for problem in (*mistakes, *others):
            show_line(str(problem))
    if mistakes or others:
        raise typer.Exit(1)
    if not as_json:
        say("The declarations are correct.")


def generate(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if something is stale.")] = False,
    product: Annotated[
        bool, typer.Option("--product", help="New metrics are the product's: add them to docs/metrics.md.")
    ] = False,
) -> None:
    """Generate the metric references of the product and of the company, and the schemas for editors."""
    from scorecard.reference import metrics_page

    stale = metrics_page.generate(load_settings(), write=not check, add=product)
    for path in stale:
        say(f"{'Stale' if check else 'Written'}: {path}")
    if check and stale:
        raise ScorecardError("Generated files are stale.", "Run `scorecard generate` and commit what it writes.")


def translations(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if words of the product's lack.")
    ] = False,
    catalogue: Annotated[
        str, typer.Option(help="Which catalogue takes what is new: the company's, or one of the product's own.")
    ] = "company",
) -> None:
    """Update the catalogues of other languages from the English texts of metrics, scorecards and checks."""
    from scorecard import translations as words

    project = load_settings().project
    if not check:
        for path in words.update(project, f"{catalogue}.po"):
            say(f"Written: {path}")
    wrong = False
    for report in words.check(project):
        for problem in report.problems:
            say(f"{'Warning' if report.is_company else 'Error'}: {report.language}, {problem}")
        missing = len(report.problems)
        show_line(f"{report.language} {report.path.name}: {report.messages - missing} of {report.messages} messages")
        wrong = wrong or bool(report.problems and not report.is_company)
    if wrong:
        raise ScorecardError("The product's catalogues are incomplete.", "Write them into the catalogues named above.")
