"""The templates of pages and mails: HTML is escaped, and a missing name is an error."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(__file__).parents[1]


def fill(reports: Path, name: str, content: dict[str, Any]) -> str:
    """Return a template filled with content. Content is text, never a template.

    Parameters
    ----------
    reports: the folder ``reports`` of the project.
    name: the path of the template below ``reports/templates``, or below the package ``scorecard`` for a template that
        lies beside its code.
    """
    return _environment(reports).get_template(name).render(content)


@cache
def _environment(reports: Path) -> "Environment":
    """Return Jinja's environment of a project. A process makes it once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader([reports / "templates", _PACKAGE]),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
