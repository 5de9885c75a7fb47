"""The templates in ``reports/templates``: HTML is escaped, and a missing name is an error."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(reports: Path, name: str, content: dict[str, Any]) -> str:
    """Return a template filled with content. Content is text, never a template.

    Parameters
    ----------
    reports: the folder ``reports`` of the project.
    """
    return environment(reports, keep_trailing_newline=True).get_template(name).render(content)


@cache
def environment(reports: Path, keep_trailing_newline: bool = False) -> "Environment":
    """Return Jinja's environment of a project; made once in a process."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(reports / "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=keep_trailing_newline,
    )
