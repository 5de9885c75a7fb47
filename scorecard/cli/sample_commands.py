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
    """Delete the bundled samples. Keep the product, and files that differ from the sample."""
    from scorecard.scaffold.samples import remove_samples

    settings = load_settings()
    removal = remove_samples(settings.project)
    for path in removal.deleted:
        show_line(f"Deleted: {path.relative_to(settings.project)}")
    for path in removal.kept:
        name = path.relative_to(settings.project)
        show_line(f"Kept: {name}. It differs from the sample of this release. If you do not need it, delete it.")
    if not removal.deleted:
        say("Nothing was deleted." if removal.kept else "The samples are gone already.")
    elif settings.warehouse.exists():
        say(f"What was made of them is still in {settings.state} and {settings.out}; delete both, or leave them.")
