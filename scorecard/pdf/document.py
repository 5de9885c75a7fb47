"""What a document holds: every word and number in its final form, so that templates compute nothing."""

from dataclasses import dataclass

from scorecard.pdf.page.context import Cell, Notes, Status
from scorecard.pdf.sections.breakdowns import Breakdown
from scorecard.pdf.sections.indicators import CardGroup, Group
from scorecard.pdf.sections.kpi_tree import Node
from scorecard.pdf.sections.three_things import Thing


@dataclass(frozen=True)
class Since:
    """What an indicator did since an action began: the figures of two periods, each with its period's name."""

    before: tuple[str, Cell]
    now: tuple[str, Cell] | None
    change: Cell
    verdict: str


@dataclass(frozen=True)
class ActionRow:
    """A decision of the last review, and what its indicator did since. ``since`` is None where no begin is known."""

    what: str
    effect: str
    who: str
    due: str
    progress: str
    overdue: bool
    indicator: str
    since: Since | None


@dataclass(frozen=True)
class FailedCheck:
    """A check that failed."""

    mark: str
    severity: str
    is_error: bool
    name: str
    where: str
    failures: str
    message: str
    cure: str
    metrics: str


@dataclass(frozen=True)
class CheckedSource:
    """The checks of one source object."""

    where: str
    kinds: str
    checks: str
    passed: str
    rows: str


@dataclass(frozen=True)
class Restated:
    """A figure that an earlier edition printed otherwise."""

    figure_id: str
    metric: str
    member: str
    period: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Proof:
    """A printed figure in the list that proves it."""

    figure_id: str
    what: str
    printed: str
    exact: str
    observations: str


@dataclass(frozen=True)
class Columns:
    """Headings that name periods."""

    period: str
    prior: str
    vs_prior: str
    vs_year_ago: str
    spark_grain: str
    spark: str
    target_note: str | None


@dataclass(frozen=True)
class Document:
    """A scorecard in one language."""

    language: str
    title: str
    purpose: str
    file_title: str
    business_unit: str
    ask: str
    period: str
    data_through: str | None
    is_provisional: bool
    currency: str
    close_id: str
    edition: str
    hash_short: str
    content_sha256: str
    revision: str
    libraries: str
    columns: Columns
    checks: str
    warnings: str | None
    edition_note: str | None
    headline: tuple[str, ...]
    things: tuple[Thing, ...]
    groups: tuple[Group, ...]
    breakdown: Breakdown | None
    actions: tuple[ActionRow, ...]
    actions_note: str | None
    legend: tuple[Status, ...]
    summary_notes: Notes
    check_notes: Notes
    general: tuple[str, ...]
    tree: tuple[Node, ...]
    tree_notes: Notes
    cards: tuple[CardGroup, ...]
    breakdowns: tuple[Breakdown, ...]
    failed: tuple[FailedCheck, ...]
    sources: tuple[CheckedSource, ...]
    held_back: tuple[str, ...]
    unavailable: tuple[tuple[str, str], ...]
    provisional: tuple[str, ...]
    finals: tuple[str, ...]
    restatements: tuple[Restated, ...]
    restated_notes: tuple[str, ...]
    proof_head: tuple[str, ...]
    trace_command: str
    proofs: tuple[Proof, ...]
