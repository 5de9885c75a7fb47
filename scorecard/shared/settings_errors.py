"""Errors of settings that are missing, wrong or unknown. They leave out the value, which may be a secret."""

import json
import os
import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path

from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings_file import NAME, line_of, read_file

_JSON = re.compile(r"SCORECARD_(SOURCES|SERVICES|CONNECTIONS|PARAMETERS)(__.+__(OBJECTS|EXTRA))?", re.IGNORECASE)
"""Variables that are read as JSON."""


def refuse_unknown_variables(settings: Collection[str]) -> None:
    """Refuse a SCORECARD_ variable that is not a setting, such as a misspelt one.

    Raises
    ------
    ScorecardError: names the variable, and the known ones.
    """
    known = {f"SCORECARD_{name.upper()}" for name in settings}
    # It is no setting: dbt's profile reads it where a person runs dbt by hand.
    allowed = {*known, "SCORECARD_WAREHOUSE"}
    for name in os.environ:
        variable = name.upper().partition("__")[0]
        if variable.startswith("SCORECARD_") and variable not in allowed:
            close = get_close_matches(variable, sorted(known), n=1)
            raise ScorecardError(
                f"The environment variable {name} is not a setting.",
                f"Write {close[0]}, or unset it."
                if close
                else f"Unset it, or write one of: {', '.join(sorted(known))}.",
            )


def wrong_setting(names: Sequence[str], kind: str, message: str, known: Collection[str], file: Path) -> ScorecardError:
    """Return the error of one setting: ``kind`` and ``message`` are pydantic's, ``known`` the names on its level."""
    name = ".".join(names)
    variable = f"SCORECARD_{'__'.join(names).upper()}"
    above = f", or in the JSON of SCORECARD_{names[0].upper()}" if len(names) > 1 else ""
    written = _has(file, names) and not _in_environment(names)
    where = f" in {file}, line {line_of(file, names)}," if written else ""
    if kind == "extra_forbidden" and (written or len(names) == 1):
        close = get_close_matches(names[-1], sorted(known), n=1)
        return ScorecardError(
            f"The setting {name}{where} is unknown.",
            f"Write {close[0]}, or delete it." if close else f"Delete it, or write one of: {', '.join(sorted(known))}.",
        )
    if kind == "missing":
        inside = f" in [{'.'.join(names[:-1])}]" if len(names) > 1 else ""
        return ScorecardError(
            f"The setting {name} is missing.",
            f"Write {names[-1]} = …{inside} in {file.with_name(NAME)}, or set {variable} in the environment{above}.",
        )
    return ScorecardError(
        f"The setting {name}{where} is wrong: {message}.",
        "Correct it there."
        if written
        else f"Correct it in {file.with_name(NAME)}, in {variable} of the environment{above}.",
    )


def _has(file: Path, names: Sequence[str]) -> bool:
    """Whether the settings file has a setting."""
    level: object = read_file(file)
    for name in names:
        if not isinstance(level, dict) or name not in level:
            return False
        level = level[name]
    return True


def _in_environment(names: Sequence[str]) -> bool:
    """Whether a setting, or what it is part of, is set in the environment too."""
    variables = {name.upper() for name in os.environ}
    return any(f"SCORECARD_{'__'.join(names[:length]).upper()}" in variables for length in range(1, len(names) + 1))


def no_json() -> ScorecardError:
    """Return the error that names the variables that are not JSON."""
    names = [name for name, text in os.environ.items() if _JSON.fullmatch(name) and not _is_json(text)]
    subject = " and ".join(sorted(names)) or "A variable SCORECARD_…"
    return ScorecardError(
        f"{subject} in the environment {'are' if len(names) > 1 else 'is'} not JSON.",
        'Write an object as {"<name>": …} and a list as ["…", "…"], with double quotes. Look for a quote, comma or'
        " brace that is missing.",
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
