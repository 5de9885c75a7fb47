"""The writing desk of one document: turns figures into cells, and remembers what it printed and why it could not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from scorecard.catalogue import CROSS
from scorecard.pdf.page.close_data import Check, Close, Metric, Value
from scorecard.pdf.page.fonts import visible
from scorecard.pdf.page.formats import SPANS, Formats, Scale
from scorecard.pdf.page.wording import Wording
from scorecard.shared.periods import Period, parse_period

STATUSES = ("ahead", "on_track", "at_risk", "off_track", "na")
_LONGEST_NAME = 48
Notes = tuple[tuple[str, str], ...]
"""Footnotes as mark and text."""


@dataclass(frozen=True)
class Cell:
    """What a table cell prints: its text, the id of its figure, good or bad, and the mark of its footnote."""

    text: str = ""
    figure_id: str | None = None
    tone: str = ""
    note: str | None = None


@dataclass(frozen=True)
class Status:
    """A status as shape, word and colour."""

    key: str
    shape: str
    word: str


@dataclass(frozen=True)
class Printed:
    """A figure as it stands on a page."""

    value: Value
    text: str


@dataclass
class Desk:
    """Writes the cells of one document."""

    close: Close
    wording: Wording
    formats: Formats
    printed: dict[str, Printed] = field(default_factory=dict)
    _marks: dict[str, str] = field(default_factory=dict)
    _marked: set[str] = field(default_factory=set)

    def say(self, key: str, /, **values: object) -> str:
        """Return a message."""
        return self.wording.say(key, **values)

    # Footnotes -------------------------------------------------------------------------------------------------

    def note(self, text: str) -> str:
        """Return the mark of a footnote: one letter has one meaning in the whole document."""
        self._marked.add(text)
        return self._marks.setdefault(text, _letters(len(self._marks)))

    def take_notes(self) -> Notes:
        """Return the footnotes marked since the last call, as mark and text: they stand below the table they are of."""
        notes = tuple((mark, text) for text, mark in self._marks.items() if text in self._marked)
        self._marked.clear()
        return notes

    def check_mark(self, check: Check) -> str:
        """Return the mark of a failed check, as on the page about data."""
        return f"W{self.close.failed().index(check) + 1}"

    def check_marks(self, metric: Metric) -> tuple[str, ...]:
        """Return the marks of a metric's failed checks, but for those that touch every metric."""
        general = self.close.general()
        return tuple(self.check_mark(check) for check in self.close.warnings(metric) if check not in general)

    def rows_of(self, check: Check) -> str | None:
        """Say in how many rows a check failed; None where nobody counted them."""
        if not check.counted:
            return None
        failures, checked = self.formats.count(check.failures), self.formats.count(check.checked)
        return self.say("quality.failures", failures=failures, checked=checked)

    def check_note(self, check: Check) -> str:
        """Name a failed check, with the rows that fail it."""
        rows = self.rows_of(check)
        return check.name if rows is None else self.say("check.with_rows", check=check.name, rows=rows)

    # Names -----------------------------------------------------------------------------------------------------

    def period(self, period: Period) -> str:
        """Name a period as briefly as the page allows."""
        return self.formats.period_beside(period, self.close.period, self.close.fiscal)

    def dimension(self, name: str) -> str:
        """Name a dimension."""
        return self.close.dimensions.get(name) or self.say(f"dimension.{name}")

    def member(self, dimension: str, member: str) -> str:
        """Return a member's name: of the product's own ones in the page's language, of others as the source has it."""
        if dimension == "company":
            return self.say("member.all")
        if member == "unknown":
            return self.say("member.unknown")
        if f" {CROSS} " in self.close.dimensions.get(dimension, ""):
            # Of a pair, each name as it is printed alone.
            parts = member.split(f" {CROSS} ")
            return f" {CROSS} ".join(self.member("", part.replace(CROSS * 2, CROSS)) for part in parts)
        if dimension == "movement" and self.wording.has(f"movement.{member}"):
            return self.say(f"movement.{member}")
        return visible(member, _LONGEST_NAME)

    def alone(self, dimension: str, member: str) -> str:
        """Return a member's name for a sentence, where no heading says of which dimension it is."""
        if member != "unknown" or dimension == "company":
            return self.member(dimension, member)
        return self.say("member.unknown_of", dimension=self.formats.inside(self.dimension(dimension)))

    def status(self, key: str) -> Status:
        """Return a status by shape and word."""
        return Status(key, self.say(f"shape.{key}"), self.say(f"status.{key}"))

    def status_of(self, figure: Value | None) -> Status:
        """Return the status of a figure; of one that is not judged, whether the value or the target is missing."""
        if figure is None or figure.value is None or figure.status != "na":
            return self.status(figure.status if figure else "na")
        word = "status.no_target" if figure.target is None else "status.na"
        return Status("na", self.say("shape.na"), self.say("status.unsettled" if self._may_turn(figure) else word))

    def _may_turn(self, figure: Value) -> bool:
        """Whether a figure has no status because the two ends of its range have different ones."""
        return figure.target is not None and figure.at_most is not None

    # Cells -----------------------------------------------------------------------------------------------------

    def scale(
        self, metric: Metric, figures: Iterable[Value | None], without_baseline: Iterable[Value | None] = ()
    ) -> Scale:
        """Return one scale for figures read beside one another.

        Parameters
        ----------
        figures: printed with their targets and baselines. A span of time takes its digits from the whole unit's
            figures instead, so that it is written alike on every page.
        without_baseline: printed with their targets alone. A baseline that is only drawn asks for no digits.
        """
        if metric.unit in SPANS:
            figures, without_baseline = [self.close.whole(metric.name, period) for period in self._periods()], ()
        with_baseline = [figure for figure in figures if figure is not None]
        printed = [*with_baseline, *(figure for figure in without_baseline if figure is not None)]
        numbers = [number for figure in printed for number in figure.numbers]
        return self.formats.scale(metric.unit, [*numbers, *(figure.prior_value for figure in with_baseline)])

    def _periods(self) -> tuple[Period, ...]:
        """Return the periods that the document has figures of."""
        return (self.close.period, self.close.prior, self.close.year_ago, *self.close.spark)

    def cite(self, figure: Value, text: str | None = None) -> str:
        """Return the id of a figure to print it, and put the figure on the list of figures.

        Every id on a page and in a mail comes from here, so the list and the provenance lack none.
        """
        self.printed.setdefault(figure.figure_id, Printed(figure, text or self.text(figure)))
        return figure.figure_id

    def cite_id(self, figure_id: str) -> None:
        """Put a figure on the list whose id is printed beside other numbers than its value, as of a restatement."""
        figure = self.close.by_id.get(figure_id)
        if figure is not None:
            self.cite(figure)

    def text(self, figure: Value, scale: Scale | None = None, signed: bool = False) -> str:
        """Write the value of a figure: both ends of one that isn't settled, n/a where there is none."""
        scale = scale or self.scale(self.close.metrics[figure.metric], [figure])
        if figure.value is None:
            return self._without_value(figure, scale)
        if figure.at_most is not None:
            return self.formats.range(figure.value, figure.at_most, scale)
        return self.formats.value(figure.value, scale, signed)

    def _without_value(self, figure: Value, scale: Scale) -> str:
        longer = figure.longer_than
        return self.say("na") if longer is None else self.say("longer_than", value=self.formats.value(longer, scale))

    def figure(self, metric: Metric, figure: Value | None, scale: Scale | None = None, signed: bool = False) -> Cell:
        """Print a figure; where there is none, n/a and the footnote that says why."""
        if figure is None or figure.value is None:
            return self.missing(figure.na_reason if figure else None, figure, scale)
        text = self.text(figure, scale, signed)
        return Cell(text, self.cite(figure, text), note=self._unsettled(metric, figure))

    def _unsettled(self, metric: Metric, figure: Value) -> str | None:
        """Return the mark of the footnote of a figure that may still change, None of one that stands."""
        texts = [] if figure.is_complete else [self._incomplete(figure, self.named(figure))]
        if figure.at_most is not None:
            texts.append(self.range_of(metric, figure))
        elif figure.is_complete and self.settles_later(metric, figure):
            texts.append(self.say("note.settles", day=self.settled_on(metric, figure)))
        return self.note(" ".join(texts)) if texts else None

    def _incomplete(self, figure: Value, period: str) -> str:
        """Say what a period lacks: its last days, or the first ones, before its source began."""
        return self.say("na.begun_late" if figure.elapsed_share == 1 else "na.partial_period", period=period)

    def settles_later(self, metric: Metric, figure: Value) -> bool:
        """Whether a figure of a close without ranges may still change, as far as the metric says."""
        return bool(metric.settles_after and not self.close.has_ranges and figure.period == self.close.period.label)

    def settled_on(self, metric: Metric, figure: Value) -> str:
        """Write the day until which what happens may change a figure."""
        period = parse_period(figure.period, self.close.fiscal)
        return self.formats.day(period.last_day + timedelta(days=metric.settles_after))

    def range_of(self, metric: Metric, figure: Value) -> str:
        """Say both ends of a figure that isn't settled, what decides between them, and when it will be final."""
        scale = self.scale(metric, [figure])
        return self.say(
            "note.range",
            value=self.formats.value(figure.value or Decimal(0), scale),
            at_most=self.formats.value(figure.at_most or Decimal(0), scale),
            pending=self.pending(metric, figure),
            day=self.settled_on(metric, figure),
        )

    def pending(self, metric: Metric, figure: Value) -> str:
        """Say what has to come about for a figure to be at its upper end."""
        number = int(figure.pending or 0)
        count = self.formats.count(number)
        if not metric.pending:
            return self.wording.count("note.pending", number, number=count)
        return visible(metric.pending.of(number)).replace("{count}", count)

    def missing(self, reason: str | None, figure: Value | None = None, scale: Scale | None = None) -> Cell:
        """Print n/a, or what a figure is longer than."""
        period = self.named(figure) if figure else self.period(self.close.period)
        mark = self.note(self.why_missing(reason, period, figure))
        if figure is None:
            return Cell(self.say("na"), None, "na", mark)
        text = self.text(figure, scale)
        return Cell(text, self.cite(figure, text), "na", mark)

    def why_missing(self, reason: str | None, period: str, figure: Value | None = None) -> str:
        """Say why a figure of a period has no value: a comparison lacks what lies before that period."""
        if reason == "partial_period" and figure is not None:
            return (
                self.say("na.base_partial", period=period) if figure.is_complete else self._incomplete(figure, period)
            )
        return self.say("na.no_base", period=period) if reason == "no_history" else self.reason(reason, period)

    def reason(self, reason: str | None, period: str) -> str:
        """Say why there is no value."""
        if own := self.close.reasons.get(reason or ""):
            return visible(own)
        known = reason if self.wording.has(f"na.{reason}") else "no_observations"
        return self.say(f"na.{known}", period=period)

    def named(self, figure: Value) -> str:
        """Name the period of a figure."""
        return self.period_named(figure.period)

    def period_named(self, label: str) -> str:
        """Name a period by its label: 2017-Q4 is Q4 2017."""
        return self.formats.period(parse_period(label, self.close.fiscal), self.close.fiscal)

    def target(self, metric: Metric, figure: Value | None, scale: Scale) -> Cell:
        """Print what a figure is held against; nothing where no target is set."""
        if figure is None or figure.yardstick is None:
            return Cell("–", tone="na")
        note = None
        if figure.yardstick != figure.target:
            share = self.formats.share(figure.elapsed_share or Decimal(0), 0)
            note = self.note(self.say("note.pro_rated", share=share))
        return Cell(self.formats.value(figure.yardstick, scale), note=note)


def _letters(number: int) -> str:
    """Return a, b, … z, aa, ab, …"""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters
