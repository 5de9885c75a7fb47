"""The commands `scorecard samples …`."""

import typer

from scorecard.cli.output import say, show_line
from scorecard.shared.settings import load_settings

app = typer.Typer(help="The bundled samples.", no_args_is_help=True)


@app.callback()
def samples() -> None:
    """Manage the bundled samples."""


@app.command("remove")
def remove() -> None:
    """Delete the bundled samples, and keep the product."""
    from scorecard.scaffold.samples import remove_samples

    settings = load_settings()
    paths = remove_samples(settings.project)
    for path in paths:
        show_line(f"Deleted: {path.relative_to(settings.project)}")
    if not paths:
        say("The samples are gone already.")
    elif settings.warehouse.exists():
        say(f"What was made of them is still in {settings.state} and {settings.out}; delete both, or leave them.")
