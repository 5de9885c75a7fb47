"""The command line. Results go to standard output, progress and errors to standard error."""

import io
import os
import sys
import traceback

import typer

from scorecard import private
from scorecard.cli import declaring, looking, new, running, samples, sources
from scorecard.cli.output import complain
from scorecard.errors import ScorecardError
from scorecard.settings import load_settings
from scorecard.text import on_lines, plain

app = typer.Typer(
    help="KPIs and CPIs from CRM and billing data, as scorecards that can be proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_COMMANDS = (
    *(running.run, running.extract, running.confirm, running.confirmations, declaring.check, running.build),
    *(running.publish, looking.metrics, looking.values, looking.closes, looking.render, looking.verify, looking.trace),
    *(looking.deliveries, running.watch, running.plan, declaring.generate, declaring.translations),
)
for command in _COMMANDS:
    app.command()(command)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(running.dbt)
app.add_typer(sources.app, name="sources")
app.add_typer(new.app, name="new")
app.add_typer(samples.app, name="samples")


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
        complain(error)
        raise SystemExit(1) from None
    except BrokenPipeError:
        # Whoever read us has seen enough, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if not _environments(error):
            sys.stderr.write(on_lines(traceback.format_exc()))
            raise SystemExit(1) from None
        complain(
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
