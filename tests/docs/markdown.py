"""Reads the fenced blocks, the tables and the links of a Markdown page."""

import re
from dataclasses import dataclass
from pathlib import Path

_MARK = re.compile(r"<!-- (\w+): (.+) -->")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the mark in the comment right above it (as `file`, `a/b.sql`)."""

    language: str
    text: str
    key: str | None
    value: str | None
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    fenced: list[Block] = []
    opened: tuple[str, int] | None = None
    lines: list[str] = []
    mark: tuple[str, str] | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if opened is None and line.startswith("```"):
            opened, lines = (line.removeprefix("```").strip(), number), []
        elif opened is not None and line == "```":
            key, value = mark or (None, None)
            fenced.append(Block(opened[0], "\n".join(lines) + "\n", key, value, opened[1]))
            opened, mark = None, None
        elif opened is not None:
            lines.append(line)
        elif match := _MARK.fullmatch(line):
            mark = (match[1], match[2])
        elif line:
            mark = None
    assert opened is None, f"{page.name} leaves a block open"
    return fenced


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and pictures."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    return _LINK.findall(text)


def table_below(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, its own head left out."""
    after = page.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1]
    rows: list[list[str]] = []
    for line in after.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page: of its headings, and those that it names itself."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return set(re.findall(r'<a id="([\w-]+)">', text)) | {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
    }
