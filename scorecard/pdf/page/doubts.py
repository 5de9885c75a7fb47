"""What a reader has to know wherever a figure is named: that it isn't final yet, or that a check of its data failed."""

from collections.abc import Iterable

from scorecard.pdf.page.close_data import Check, Value
from scorecard.pdf.page.context import Desk

# Of more indicators than these, their number is said instead of their names.
_NAMED = 2


def remark(desk: Desk, figures: Iterable[Value | None]) -> str:
    """Say what is provisional or carries a warning among the figures that a sentence names; empty where nothing is."""
    by_metric: dict[str, str] = {}
    for figure in figures:
        if figure is not None:
            by_metric.setdefault(figure.metric, _doubts(desk, figure))
    doubtful = {metric: doubts for metric, doubts in by_metric.items() if doubts}
    if not doubtful:
        return ""
    if len(doubtful) == len(by_metric) and len(set(doubtful.values())) == 1:
        return next(iter(doubtful.values()))
    if len(doubtful) > _NAMED:
        number = desk.formats.count(len(doubtful))
        return desk.say("doubt.several", number=number, total=desk.formats.count(len(by_metric)))
    labels = {metric: desk.formats.inside(desk.close.metrics[metric].label) for metric in doubtful}
    named = [desk.say("doubt.of", metric=labels[metric], doubts=doubts) for metric, doubts in doubtful.items()]
    return desk.say("doubt.between").join(named)


def beside(desk: Desk, figures: Iterable[Value | None]) -> str:
    """Return the remark as it stands in brackets inside a sentence."""
    said = remark(desk, figures)
    return desk.say("doubt.beside", remark=said) if said else ""


def sentence(desk: Desk, figures: Iterable[Value | None]) -> str:
    """Return the remark as a sentence of its own, to follow another one."""
    said = remark(desk, figures)
    return desk.say("doubt.sentence", remark=said[0].upper() + said[1:]) if said else ""


def warnings(desk: Desk, figures: Iterable[Value | None]) -> tuple[str, ...]:
    """Explain the marks of the failed checks that sentences about these figures name."""
    metrics = {figure.metric for figure in figures if figure is not None}
    touched = [check for check in desk.close.failed() if metrics & set(_touched(desk, check))]
    return tuple(
        desk.say("doubt.explained", mark=desk.check_mark(check), check=desk.check_note(check)) for check in touched
    )


def _touched(desk: Desk, check: Check) -> list[str]:
    return [metric.name for metric in desk.close.metrics.values() if check in desk.close.warnings(metric)]


def _doubts(desk: Desk, figure: Value) -> str:
    metric = desk.close.metrics[figure.metric]
    parts = []
    if figure.value is not None and figure.at_most is not None:
        at_most = desk.formats.value(figure.at_most, desk.scale(metric, [figure]))
        parts.append(desk.say("doubt.range", at_most=at_most, pending=desk.pending(metric, figure)))
    elif figure.value is not None and (not figure.is_complete or desk.settles_later(metric, figure)):
        parts.append(desk.say("doubt.provisional"))
    marks = [desk.check_mark(check) for check in desk.close.warnings(metric)]
    if marks:
        parts.append(desk.wording.count("doubt.warning", len(marks), marks=desk.formats.listed(marks)))
    return desk.say("doubt.separator").join(parts)
