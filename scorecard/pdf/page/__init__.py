"""What all sections write with: the content of a close, the page's context, comparisons, and causes of changes."""

from scorecard.pdf.page.causes import (
    UNKNOWN,
    cause_of,
    contribution_text,
    decimal,
    explain,
)
from scorecard.pdf.page.close_content import WHOLE, Action, Check, Figure, MetricDefinition
from scorecard.pdf.page.close_reader import read_close
from scorecard.pdf.page.comparisons import (
    against_prior,
    against_target,
    against_year_ago,
    between,
    change_cell,
    difference,
    from_prior,
    gap_to,
    gap_to_target,
    side_of_target,
    target_name,
)
from scorecard.pdf.page.context import STATUSES, Cell, Notes, PageContext, Status
from scorecard.pdf.page.fonts import visible
from scorecard.pdf.page.formats import MINUS, LocaleFormats, Scale
from scorecard.pdf.page.wording import Wording

__all__ = [
    "MINUS",
    "STATUSES",
    "UNKNOWN",
    "WHOLE",
    "Action",
    "Cell",
    "Check",
    "Figure",
    "LocaleFormats",
    "MetricDefinition",
    "Notes",
    "PageContext",
    "Scale",
    "Status",
    "Wording",
    "against_prior",
    "against_target",
    "against_year_ago",
    "between",
    "cause_of",
    "change_cell",
    "contribution_text",
    "decimal",
    "difference",
    "explain",
    "from_prior",
    "gap_to",
    "gap_to_target",
    "read_close",
    "side_of_target",
    "target_name",
    "visible",
]
