"""Fills the document: writes every part of it in the order of reading."""

from pathlib import Path
from unicodedata import east_asian_width

from scorecard.pdf.document import Columns, Document, Proof
from scorecard.pdf.page.analysis import lead_metric
from scorecard.pdf.page.close_data import Check, Close, words
from scorecard.pdf.page.close_reader import read_close
from scorecard.pdf.page.context import STATUSES, Desk
from scorecard.pdf.page.fonts import visible
from scorecard.pdf.page.formats import Formats
from scorecard.pdf.page.wording import Wording
from scorecard.pdf.sections import data_quality, indicators, kpi_tree, restated
from scorecard.pdf.sections.actions import action_row
from scorecard.pdf.sections.breakdowns import Breakdown, breakdown
from scorecard.pdf.sections.sentences import clauses, headline
from scorecard.pdf.sections.three_things import three_things
from scorecard.shared.decimals import digits
from scorecard.shared.languages import frozen_words

# How wide characters are, in thousandths of their size; a column of the list of figures has room for 13 digits.
_DIGIT, _THIN = 555, {" ": 224, "\u00a0": 224, ".": 278, ",": 278}
_COLUMN = 13 * _DIGIT
_PROOF_COLUMNS = ("figure", "printed", "exact", "observations", "what")


def read_desk(close_dir: Path, language: str, reports_dir: Path) -> Desk:
    """Open a close and the words of a language."""
    wording = Wording(reports_dir, language)
    return Desk(read_close(close_dir, language), wording, Formats(wording))


def printed_figures(close_dir: Path, language: str, reports_dir: Path) -> set[tuple[str, str, str, str]]:
    """Return the figures that the pages of a close print, each as (metric, period, dimension, member)."""
    desk = read_desk(close_dir, language, reports_dir)
    document(desk)
    values = [printed.value for printed in desk.printed.values()]
    return {(value.metric, value.period, value.dimension, value.member) for value in values}


def document(desk: Desk) -> Document:
    """Write the whole document."""
    close, say = desk.close, desk.say
    period = desk.formats.period_full(close.period, close.fiscal)
    things = three_things(desk)
    # In the order of reading: footnotes and the list of figures follow it.
    columns = _columns(desk)
    groups = indicators.summary_groups(desk)
    first = _first_breakdown(desk)
    actions_note = desk.note(say("note.sample_actions")) if any(action.sample for action in close.actions) else None
    actions = tuple(action_row(desk, action) for action in close.actions)
    summary_notes = desk.take_notes()
    tree = kpi_tree.tree(desk)
    tree_notes = desk.take_notes()
    cards = indicators.cards(desk)
    breakdowns = tuple(breakdown(desk, close.metrics[metric], dimension) for metric, dimension in close.breakdowns())
    restatements = restated.restatements(desk)
    for each in restatements:
        desk.cite_id(each.figure_id)
    return Document(
        language=close.language,
        title=close.title,
        purpose=words(close.scorecard["purpose"], close.language),
        file_title=say("file.title", title=close.title, period=desk.formats.period(close.period, close.fiscal)),
        business_unit=visible(str(close.scorecard["business_unit"])),
        ask=data_quality.ask(desk),
        period=period,
        data_through=data_quality.data_through(desk),
        is_provisional=data_quality.is_provisional(desk),
        currency=close.currency,
        close_id=close.close_id,
        edition=desk.formats.count(close.edition),
        hash_short=close.content_sha256[:12],
        content_sha256=close.content_sha256,
        revision=visible(str(close.manifest["code"]["revision"] or "–"))[:12],
        libraries=" · ".join(
            visible(f"{name} {version}") for name, version in sorted(close.manifest["libraries"].items())
        ),
        columns=columns,
        checks=data_quality.checks_passed(desk),
        warnings=data_quality.checks_failed(desk),
        edition_note=restated.edition(desk),
        headline=clauses(headline(desk)),
        things=things,
        groups=groups,
        breakdown=first,
        actions=actions,
        actions_note=actions_note,
        legend=tuple(desk.status(key) for key in STATUSES if key != "na"),
        summary_notes=summary_notes,
        check_notes=tuple(
            (desk.check_mark(check), desk.check_note(check)) for check in close.failed() if _touches(close, check)
        ),
        general=tuple(desk.check_mark(check) for check in close.general()),
        tree=tree,
        tree_notes=tree_notes,
        cards=cards,
        breakdowns=breakdowns,
        failed=data_quality.failed_checks(desk),
        sources=data_quality.checked_sources(desk),
        held_back=data_quality.held_back(desk),
        unavailable=data_quality.unavailable(desk),
        provisional=data_quality.provisional(desk),
        finals=restated.finals(desk),
        restatements=restatements,
        restated_notes=restated.restated_notes(desk),
        proof_head=tuple(_filled(say(f"column.{name}")) for name in _PROOF_COLUMNS),
        trace_command=f"scorecard trace {close.close_id}.{example(desk)}",
        # Last, when every other part has put its figures on the list.
        proofs=_proofs(desk),
    )


def example(desk: Desk) -> str:
    """Return the id of the figure that the command to prove one is shown with: the one the scorecard is about."""
    metric, _ = lead_metric(desk)
    figure = desk.close.whole(metric.name) or next(iter(desk.close.values.values()))
    return desk.cite(figure)


def _columns(desk: Desk) -> Columns:
    close = desk.close
    year_ago = desk.formats.period(close.year_ago, close.fiscal)
    first, last = (desk.formats.period(each, close.fiscal) for each in (close.spark[0], close.spark[-1]))
    return Columns(
        period=desk.formats.period(close.period, close.fiscal),
        prior=desk.period(close.prior),
        vs_prior=desk.say("column.versus_prior", period=desk.period(close.prior)),
        vs_year_ago=desk.say("column.versus_year_ago", period=year_ago),
        spark_grain=desk.say(f"chart.by_{close.spark[0].grain}"),
        spark=desk.say("column.spark", first=first, last=last),
        target_note=_target_note(desk),
    )


def _target_note(desk: Desk) -> str | None:
    """Return the mark of what was said about all targets of the page, for instance that they are samples."""
    metrics = {metric.name for metric in desk.close.mains()}
    reasons = {
        visible(others.get(desk.close.language, english)["reason"])
        for target in desk.close.targets
        if target["metric"] in metrics and target["period"] == desk.close.period.label
        for english, others in (frozen_words(target, ("reason",)),)
        if english
    }
    return desk.note(desk.say("note.targets", reason=reasons.pop().rstrip(".。"))) if len(reasons) == 1 else None


def _first_breakdown(desk: Desk) -> Breakdown | None:
    for metric, dimension in desk.close.breakdowns():
        return breakdown(desk, desk.close.metrics[metric], dimension, brief=True)
    return None


def _touches(close: Close, check: Check) -> bool:
    return any(check in close.warnings(metric) for metric in close.mains())


def _filled(text: str) -> str:
    """Fill a number up to the width of a column: WeasyPrint draws a tab the less exactly, the longer it is."""
    width = sum(1000 if east_asian_width(each) == "W" else _THIN.get(each, _DIGIT) for each in text)
    return text + " " * round((_COLUMN - width) / _THIN[" "])


def _proofs(desk: Desk) -> tuple[Proof, ...]:
    proofs = []
    for figure_id, printed in sorted(desk.printed.items(), key=lambda pair: (len(pair[0]), pair[0])):
        figure = printed.value
        exact = "–" if figure.value is None else digits(figure.value)
        proofs.append(
            Proof(
                figure_id=figure_id,
                what=desk.say(
                    "proof.what",
                    metric=desk.close.metrics[figure.metric].label,
                    member=desk.member(figure.dimension, figure.member),
                    period=desk.named(figure),
                ),
                printed=_filled(printed.text),
                exact=_filled(exact),
                observations=_filled(desk.formats.count(figure.observations)),
            )
        )
    return tuple(proofs)
