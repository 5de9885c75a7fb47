"""What all sections of one document share: it writes figures as cells, numbers footnotes and lists printed figures."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from scorecard.catalogue import CROSS
from scorecard.pdf.page.close_content import Check, CloseContent, Figure, MetricDefinition
from scorecard.pdf.page.fonts import visible
from scorecard.pdf.page.formats import SPANS, LocaleFormats, Scale
from scorecard.pdf.page.wording import Wording
from scorecard.shared.periods import Period, parse_period

STATUSES = ("ahead", "on_track", "at_risk", "off_track", "na")
_LONGEST_NAME = 48
Notes = tuple[tuple[str, str], ...]
"""Footnotes as mark and text."""


@dataclass(frozen=True)
class Cell:
    """What a table cell prints. ``tone`` says good, bad or na. ``note`` is the mark of a footnote."""

    text: str = ""
    figure_id: str | None = None
    tone: str = ""
    note: str | None = None


@dataclass(frozen=True)
class Status:
    """A status as shape and word. The style sheet colours it by its key."""

    key: str
    shape: str
    word: str


@dataclass(frozen=True)
class PrintedFigure:
    """A figure with the text that a page prints."""

    figure: Figure
    text: str


@dataclass
class PageContext:
    """The close, the words and the formats of one document, and what its sections have printed so far.

    ``printed`` has every printed figure by its id, in the order of printing.
    """

    close: CloseContent
    wording: Wording
    formats: LocaleFormats
    printed: dict[str, PrintedFigure] = field(default_factory=dict)
    _marks: dict[str, str] = field(default_factory=dict)
    _marked: set[str] = field(default_factory=set)

    def say(self, key: str, /, **values: object) -> str:
        """Return a message."""
        return self.wording.say(key, **values)

    # Footnotes -------------------------------------------------------------------------------------------------

    def footnote(self, text: str) -> str:
        """Return the mark of a footnote. One letter has one meaning in the whole document."""
        self._marked.add(text)
        return self._marks.setdefault(text, _letters(len(self._marks)))

    def take_footnotes(self) -> Notes:
        """Return the footnotes marked since the last call, to print them below their table."""
        notes = tuple((mark, text) for text, mark in self._marks.items() if text in self._marked)
        self._marked.clear()
        return notes

    def check_mark(self, check: Check) -> str:
        """Return the mark of a failed check, as the section about data quality prints it."""
        return f"W{self.close.failed_checks.index(check) + 1}"

    def check_marks(self, metric: MetricDefinition) -> tuple[str, ...]:
        """Return the marks of a metric's failed checks, without those that touch every metric."""
        general = self.close.general_checks
        return tuple(self.check_mark(check) for check in self.close.failed_checks_of(metric) if check not in general)

    def failed_rows(self, check: Check) -> str | None:
        """Write how many rows fail a check. None where the check counts no rows."""
        if not check.counted:
            return None
        failures, checked = self.formats.count(check.failures), self.formats.count(check.checked)
        return self.say("quality.failures", failures=failures, checked=checked)

    def check_note(self, check: Check) -> str:
        """Name a failed check, with the number of rows that fail it."""
        rows = self.failed_rows(check)
        return check.name if rows is None else self.say("check.with_rows", check=check.name, rows=rows)

    # Names -----------------------------------------------------------------------------------------------------

    def period_name(self, period: Period) -> str:
        """Name a period: without its year where the scorecard's period has the same year."""
        return self.formats.period_beside(period, self.close.period, self.close.fiscal)

    def period_of(self, figure: Figure) -> str:
        """Name the period of a figure."""
        return self.period_of_label(figure.period)

    def period_of_label(self, label: str) -> str:
        """Name a period by its label: 2017-Q4 is Q4 2017."""
        return self.formats.period(parse_period(label, self.close.fiscal), self.close.fiscal)

    def dimension_name(self, name: str) -> str:
        """Name a dimension."""
        return self.close.dimensions.get(name) or self.say(f"dimension.{name}")

    def member_name(self, dimension: str, member: str) -> str:
        """Name a member: one of the product's own in the page's language, any other as the source writes it."""
        if dimension == "company":
            return self.say("member.all")
        if member == "unknown":
            return self.say("member.unknown")
        if f" {CROSS} " in self.close.dimensions.get(dimension, ""):
            # A member of a crossing has two names. Each is printed as it would be alone.
            parts = member.split(f" {CROSS} ")
            return f" {CROSS} ".join(self.member_name("", part.replace(CROSS * 2, CROSS)) for part in parts)
        if dimension == "movement" and self.wording.has(f"movement.{member}"):
            return self.say(f"movement.{member}")
        return visible(member, _LONGEST_NAME)

    def member_in_sentence(self, dimension: str, member: str) -> str:
        """Name a member in a sentence. No heading names its dimension there, so an unknown member's name does."""
        if member != "unknown" or dimension == "company":
            return self.member_name(dimension, member)
        return self.say("member.unknown_of", dimension=self.formats.inside(self.dimension_name(dimension)))

    def status(self, key: str) -> Status:
        """Return a status by shape and word."""
        return Status(key, self.say(f"shape.{key}"), self.say(f"status.{key}"))

    def status_of(self, figure: Figure | None) -> Status:
        """Return the status of a figure. Where a figure has a value and no status, the word says why."""
        if figure is None or figure.value is None or figure.status != "na":
            return self.status(figure.status if figure else "na")
        if figure.target is None:
            word = "status.no_target"
        else:
            word = "status.na" if figure.at_most is None else "status.unsettled"
        return Status("na", self.say("shape.na"), self.say(word))

    # Cells -----------------------------------------------------------------------------------------------------

    def scale(
        self, metric: MetricDefinition, figures: Iterable[Figure | None], without_baseline: Iterable[Figure | None] = ()
    ) -> Scale:
        """Return one scale for figures that stand beside one another.

        Parameters
        ----------
        figures: printed with their targets and baselines. For spans of time, the scale takes the whole unit's figures
            instead, so that every page writes them with the same digits.
        without_baseline: printed with their targets only. A baseline that is only drawn needs no digits.
        """
        if metric.unit in SPANS:
            close = self.close
            periods = (close.period, close.prior, close.year_ago, *close.charted_periods)
            figures, without_baseline = [close.whole(metric.name, period) for period in periods], ()
        with_baseline = [figure for figure in figures if figure is not None]
        printed = [*with_baseline, *(figure for figure in without_baseline if figure is not None)]
        numbers = [number for figure in printed for number in figure.numbers]
        return self.formats.scale(metric.unit, [*numbers, *(figure.prior_value for figure in with_baseline)])

    def cite(self, figure: Figure, text: str | None = None) -> str:
        """Put a figure on the list of printed figures, and return its id.

        Every id on a page and in a mail comes from here. So the list and the provenance hold all of them.
        """
        self.printed.setdefault(figure.figure_id, PrintedFigure(figure, text or self.value_text(figure)))
        return figure.figure_id

    def cite_id(self, figure_id: str) -> None:
        """Put a figure on the list by its id. A restatement prints the id beside numbers of other editions."""
        figure = self.close.by_id.get(figure_id)
        if figure is not None:
            self.cite(figure)

    def value_text(self, figure: Figure, scale: Scale | None = None, signed: bool = False) -> str:
        """Write the value of a figure: both ends of an unsettled one, n/a where there is no value."""
        scale = scale or self.scale(self.close.metrics[figure.metric], [figure])
        if figure.value is None:
            return self._without_value(figure, scale)
        if figure.at_most is not None:
            return self.formats.range(figure.value, figure.at_most, scale)
        return self.formats.value(figure.value, scale, signed)

    def _without_value(self, figure: Figure, scale: Scale) -> str:
        longer = figure.longer_than
        return self.say("na") if longer is None else self.say("longer_than", value=self.formats.value(longer, scale))

    def figure_cell(
        self, metric: MetricDefinition, figure: Figure | None, scale: Scale | None = None, signed: bool = False
    ) -> Cell:
        """Print a figure. Where there is no value, print n/a and a footnote with the reason."""
        if figure is None or figure.value is None:
            return self._missing_cell(figure, scale)
        text = self.value_text(figure, scale, signed)
        return Cell(text, self.cite(figure, text), note=self._unsettled_mark(metric, figure))

    def _missing_cell(self, figure: Figure | None, scale: Scale | None) -> Cell:
        """Print n/a, or what a figure is longer than."""
        period = self.period_of(figure) if figure else self.period_name(self.close.period)
        mark = self.footnote(self.why_missing(figure, period))
        if figure is None:
            return Cell(self.say("na"), None, "na", mark)
        text = self.value_text(figure, scale)
        return Cell(text, self.cite(figure, text), "na", mark)

    def target_cell(self, metric: MetricDefinition, figure: Figure | None, scale: Scale) -> Cell:
        """Print what a figure is compared with, or a dash where it has no target."""
        if figure is None or figure.yardstick is None:
            return Cell("–", tone="na")
        note = None
        if figure.yardstick != figure.target:
            share = self.formats.share(figure.elapsed_share or Decimal(0), 0)
            note = self.footnote(self.say("note.pro_rated", share=share))
        return Cell(self.formats.value(figure.yardstick, scale), note=note)

    # Figures that may change or are missing --------------------------------------------------------------------

    def _unsettled_mark(self, metric: MetricDefinition, figure: Figure) -> str | None:
        """Return the footnote's mark of a figure that may still change, None for a final figure."""
        texts = [] if figure.is_complete else [self._incomplete(figure, self.period_of(figure))]
        if figure.at_most is not None:
            texts.append(self.range_of(metric, figure))
        elif figure.is_complete and self.settles_later(metric, figure):
            texts.append(self.say("note.settles", day=self.settled_on(metric, figure)))
        return self.footnote(" ".join(texts)) if texts else None

    def _incomplete(self, figure: Figure, period: str) -> str:
        """Say what a period lacks: its last days, or the first days, before its source began."""
        return self.say("na.begun_late" if figure.elapsed_share == 1 else "na.partial_period", period=period)

    def settles_later(self, metric: MetricDefinition, figure: Figure) -> bool:
        """Whether a figure of a close without ranges may still change, according to the metric's definition."""
        return bool(metric.settles_after and not self.close.has_ranges and figure.period == self.close.period.label)

    def settled_on(self, metric: MetricDefinition, figure: Figure) -> str:
        """Write the last day on which an event may change a figure."""
        period = parse_period(figure.period, self.close.fiscal)
        return self.formats.day(period.last_day + timedelta(days=metric.settles_after))

    def range_of(self, metric: MetricDefinition, figure: Figure) -> str:
        """Say both ends of an unsettled figure, what decides between them, and when it is final."""
        scale = self.scale(metric, [figure])
        return self.say(
            "note.range",
            value=self.formats.value(figure.value or Decimal(0), scale),
            at_most=self.formats.value(figure.at_most or Decimal(0), scale),
            pending=self.pending(metric, figure),
            day=self.settled_on(metric, figure),
        )

    def pending(self, metric: MetricDefinition, figure: Figure) -> str:
        """Say what must happen for a figure to reach its upper end."""
        number = int(figure.pending or 0)
        count = self.formats.count(number)
        if not metric.pending:
            return self.wording.count("note.pending", number, number=count)
        return visible(metric.pending.of(number)).replace("{count}", count)

    def why_missing(self, figure: Figure | None, period: str) -> str:
        """Say why a figure has no value. A comparison may lack the period before ``period``."""
        reason = figure.na_reason if figure else None
        if reason == "partial_period" and figure is not None:
            return (
                self.say("na.base_partial", period=period) if figure.is_complete else self._incomplete(figure, period)
            )
        return self.say("na.no_base", period=period) if reason == "no_history" else self.reason(reason, period)

    def reason(self, reason: str | None, period: str) -> str:
        """Say why there is no value in a period."""
        if own := self.close.reasons.get(reason or ""):
            return visible(own)
        known = reason if self.wording.has(f"na.{reason}") else "no_observations"
        return self.say(f"na.{known}", period=period)


def _letters(number: int) -> str:
    """Return a, b, … z, aa, ab, …"""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters
