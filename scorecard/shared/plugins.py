"""Services are plug-ins: `scorecard/extract/services/<service>` is found by its name, and nothing lists it."""

from pathlib import Path
from pkgutil import iter_modules

SERVICES = Path(__file__).parents[1] / "extract" / "services"


def services() -> list[str]:
    """Return the names of the services that have a connector, without importing any."""
    return sorted(module.name for module in iter_modules([str(SERVICES)]) if module.ispkg)
