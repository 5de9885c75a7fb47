"""The settings file: its place, its content, and the line of each setting."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scorecard.shared.errors import ScorecardError

NAME, EXAMPLE = "scorecard.toml", "scorecard.example.toml"

_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\s*({_PATH})\s*\]")
_KEY = re.compile(rf"\s*({_PATH})\s*=")


def settings_file(project: Path) -> Path:
    """Return the company's file, or the example's, which counts as long as a company has none; it may not exist."""
    own = project / NAME
    return own if own.exists() else project / EXAMPLE


def read_file(path: Path) -> dict[str, Any]:
    """Return the settings of a file by name; none if the file is missing.

    Raises
    ------
    ScorecardError: it can't be read, is not TOML, or names a project, which decides where the file lies.
    """
    if not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScorecardError(f"{path} cannot be read as TOML: {error}.", "Correct the file.") from None
    if "project" in document:
        raise ScorecardError(
            f"{path}, line {line_of(path, ['project'])} sets `project`, which decides where this file lies.",
            "Delete it, and set SCORECARD_PROJECT in the environment.",
        )
    return document


def line_of(path: Path, names: Sequence[str]) -> int | None:
    """Return the line on which a setting, or else the nearest table around it, is written; None if there is none."""
    lines = _lines(path)
    around = (tuple(names[:length]) for length in range(len(names), 0, -1))
    return next((lines[name] for name in around if name in lines), None)


def _lines(path: Path) -> dict[tuple[str, ...], int]:
    """Return the line of each table and key. A line within a text of several lines may be taken for a key."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if header := _HEADER.match(line):
            table = name = _parts(header[1])
        elif key := _KEY.match(line):
            name = (*table, *_parts(key[1]))
        else:
            continue
        for length in range(1, len(name) + 1):
            lines.setdefault(name[:length], number)
    return lines


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, path))
