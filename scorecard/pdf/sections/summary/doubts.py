"""What a reader must know beside a named figure: that it isn't final yet, or that a check of its data failed."""

from collections.abc import Iterable

from scorecard.pdf.page import Check, Figure, PageContext

# With more doubtful metrics than these, a sentence gives their number instead of their names.
_NAMED = 2


def remark(context: PageContext, figures: Iterable[Figure | None]) -> str:
    """Say which of a sentence's figures are provisional or carry a warning. Return "" where none does."""
    by_metric: dict[str, str] = {}
    for figure in figures:
        if figure is not None:
            by_metric.setdefault(figure.metric, _doubts(context, figure))
    doubtful = {metric: doubts for metric, doubts in by_metric.items() if doubts}
    if not doubtful:
        return ""
    if len(doubtful) == len(by_metric) and len(set(doubtful.values())) == 1:
        return next(iter(doubtful.values()))
    if len(doubtful) > _NAMED:
        number = context.formats.count(len(doubtful))
        return context.say("doubt.several", number=number, total=context.formats.count(len(by_metric)))
    labels = {metric: context.formats.inside(context.close.metrics[metric].label) for metric in doubtful}
    remarks = [context.say("doubt.of", metric=labels[metric], doubts=doubts) for metric, doubts in doubtful.items()]
    return context.say("doubt.between").join(remarks)


def in_brackets(context: PageContext, figures: Iterable[Figure | None]) -> str:
    """Return the remark in brackets, for the end of a sentence."""
    text = remark(context, figures)
    return context.say("doubt.beside", remark=text) if text else ""


def as_sentence(context: PageContext, figures: Iterable[Figure | None]) -> str:
    """Return the remark as a sentence of its own, which follows another one."""
    text = remark(context, figures)
    return context.say("doubt.sentence", remark=text[0].upper() + text[1:]) if text else ""


def explained_warnings(context: PageContext, figures: Iterable[Figure | None]) -> tuple[str, ...]:
    """Explain the marks of the failed checks that the sentences about some figures name."""
    metrics = {figure.metric for figure in figures if figure is not None}
    touched = [check for check in context.close.failed_checks if metrics & _touched(context, check)]
    return tuple(
        context.say("doubt.explained", mark=context.check_mark(check), check=context.check_note(check))
        for check in touched
    )


def _touched(context: PageContext, check: Check) -> set[str]:
    metrics = context.close.metrics.values()
    return {metric.name for metric in metrics if check in context.close.failed_checks_of(metric)}


def _doubts(context: PageContext, figure: Figure) -> str:
    metric = context.close.metrics[figure.metric]
    parts = []
    if figure.value is not None and figure.at_most is not None:
        at_most = context.formats.value(figure.at_most, context.scale(metric, [figure]))
        parts.append(context.say("doubt.range", at_most=at_most, pending=context.pending(metric, figure)))
    elif figure.value is not None and (not figure.is_complete or context.settles_later(metric, figure)):
        parts.append(context.say("doubt.provisional"))
    marks = [context.check_mark(check) for check in context.close.failed_checks_of(metric)]
    if marks:
        parts.append(context.wording.count("doubt.warning", len(marks), marks=context.formats.listed(marks)))
    return context.say("doubt.separator").join(parts)
