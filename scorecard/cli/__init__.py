"""The command line. Results go to standard output, progress and errors to standard error."""

import io
import os
import sys
import traceback

import typer

from scorecard.cli import (
    declaration_commands,
    new_commands,
    run_commands,
    sample_commands,
    show_commands,
    source_commands,
)
from scorecard.cli.output import complain
from scorecard.shared import private
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import load_settings
from scorecard.shared.text import on_lines, plain

app = typer.Typer(
    help="KPIs and CPIs from CRM and billing data, as scorecards that can be proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_COMMANDS = (
    *(
        run_commands.run,
        run_commands.extract,
        run_commands.confirm,
        run_commands.confirmations,
        declaration_commands.check,
        run_commands.build,
    ),
    *(
        run_commands.publish,
        show_commands.metrics,
        show_commands.values,
        show_commands.closes,
        show_commands.render,
        show_commands.verify,
        show_commands.trace,
    ),
    *(
        show_commands.deliveries,
        run_commands.watch,
        run_commands.plan,
        declaration_commands.generate,
        declaration_commands.translations,
    ),
)
for command in _COMMANDS:
    app.command()(command)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run_commands.dbt)
app.add_typer(source_commands.app, name="sources")
app.add_typer(new_commands.app, name="new")
app.add_typer(sample_commands.app, name="samples")


def main() -> None:
    """Run the command line; an error is a sentence and exit code 1."""
    # The reader closed the stream and wants no more output.
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
        # The reader of the output has ended, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if not _environments(error):
            sys.stderr.write(on_lines(traceback.format_exc()))
            raise SystemExit(1) from None
        complain(
            ScorecardError(
                f"The machine or a file of {load_settings().state} failed: {type(error).__name__}: {plain(error)}.",
                "Correct what it names and run again. Published scorecards stay.",
            )
        )
        raise SystemExit(1) from None


def _environments(error: Exception) -> bool:
    """Whether an error comes from disks, permissions or files, not from this program."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb", "sqlite3")


@app.callback()
def before_each() -> None:
    """Set up what every command needs."""
    private.keep_private(load_settings())
