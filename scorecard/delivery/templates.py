"""The templates of mail in ``reports/templates``: HTML is escaped, and a name that isn't there is an error."""

from typing import Any

from scorecard.settings import Settings


def fill(settings: Settings, name: str, content: dict[str, Any]) -> str:
    """Return a template filled with content. What stands in the content is text, never template."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(settings.project / "reports" / "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(content)
