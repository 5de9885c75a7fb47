"""Services are plug-ins: a package `scorecard/sources/<service>` is found by its name, and nothing lists it."""

from importlib.util import find_spec
from pkgutil import iter_modules


def services() -> list[str]:
    """Return the names of the services that there is a connector of, without importing any."""
    package = find_spec("scorecard.sources")
    folders = package.submodule_search_locations if package else None
    return sorted(module.name for module in iter_modules(folders) if module.ispkg)
