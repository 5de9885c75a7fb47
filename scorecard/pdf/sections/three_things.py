"""The three things to know.

Which sentence is printed follows from the structure of the figures, never from a metric's name: a product of two
others is told apart into both, a metric by movement into its movements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from scorecard.pdf.page import doubts
from scorecard.pdf.page.analysis import (
    BAD,
    GOOD,
    distance,
    factors_of,
    judged_metrics,
    lead_metric,
    members_rate,
    other_judged,
    reached_targets,
    reaches,
    size,
)
from scorecard.pdf.page.close_data import Metric, Value
from scorecard.pdf.page.comparisons import from_prior, gap_to, gap_to_target, side_of_target
from scorecard.pdf.page.context import Desk
from scorecard.pdf.page.value_causes import cause_of, decimal
from scorecard.pdf.sections.sentences import contributed, explained

# Where a language has no spaces, the last few characters stand for the last word.
_LONGEST_TAIL, _SHORT_TAIL = 12, 4
# How much a missed target matters: by how far it is missed, and by what the indicator is to the goal.
_SEVERITY = {"off_track": 3, "at_risk": 1}
_WEIGHT = {"kgi": 3, "kpi": 2, "kfs": 1}


@dataclass(frozen=True)
class Thing:
    """One thing to know: the words that lead, the rest, and the figures it rests on."""

    lead: str
    space: str
    rest: str
    figure_ids: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole sentence."""
        return self.lead + self.space + self.rest

    @property
    def head(self) -> str:
        """The rest but its last word."""
        return self.rest[: len(self.rest) - len(self.tail)]

    @property
    def tail(self) -> str:
        """The last word, which the ids of the figures stay with when the line breaks."""
        word = self.rest.rpartition(" ")[2]
        return word if len(word) <= _LONGEST_TAIL else self.rest[-_SHORT_TAIL:]


def three_things(desk: Desk) -> tuple[Thing, ...]:
    """Return the three things to know: why, who moved it, and the other side; others where one is not known.

    The other side of a missed goal is what went best, that of any other goal is what went worst. Where nothing has a
    value and nothing a target, two are all there is to say.
    """
    metric, figure = lead_metric(desk)
    missed = figure is not None and figure.yardstick is not None and not reaches(metric, figure)
    candidates = [
        _by_factor(desk, metric) or _by_movement(desk),
        _by_member(desk, metric, figure),
        *((_best(desk, metric), _worst(desk, metric)) if missed else (_worst(desk, metric), _best(desk, metric))),
        _tally(desk),
        _data(desk),
        _coverage(desk),
    ]
    return tuple(thing for thing in candidates if thing)[:3]


def _thing(desk: Desk, lead: str, rest: str, figures: Sequence[Value] = ()) -> Thing:
    """Return a thing to know; what is provisional or doubtful among its figures is said in it."""
    space = " " if desk.say("style.space_after_lead") == "yes" else ""
    return Thing(lead, space, rest + doubts.sentence(desk, figures), tuple(dict.fromkeys(map(desk.cite, figures))))


def _by_factor(desk: Desk, metric: Metric) -> Thing | None:
    factors = factors_of(desk, metric)
    if factors is None or not factors.change:
        return None
    # Of parts that are equally large, the amount.
    parts = sorted(factors.parts, key=lambda part: abs(part[2]), reverse=True)
    (first, _, most), (_, _, least) = parts
    if most * least >= 0:
        key = "thing.factor.fall" if factors.change < 0 else "thing.factor.rise"
        share = desk.formats.share(decimal(most / factors.change), 0)
        lead = desk.say(key, share=share, metric=desk.formats.inside(first.label))
    else:
        lead = desk.say("thing.factor.opposed", metric=first.label)
    clauses = [_factor(desk, factors.total, metric, *part, first=part is parts[0]) for part in parts if part[2]]
    rest = clauses[0] if len(clauses) == 1 else desk.say("thing.factor.both", first=clauses[0], second=clauses[1])
    return _thing(
        desk, lead, desk.say("thing.end", rest=rest), (factors.total, *(figure for _, figure, added in parts if added))
    )


def _factor(
    desk: Desk, total: Value, metric: Metric, part: Metric, figure: Value, added: Fraction, *, first: bool
) -> str:
    """Say what a factor did. The words that lead have named the first of the two already."""
    compared = from_prior(desk, part, figure)
    way = "fell" if added < 0 else "rose"
    return desk.say(
        f"thing.factor.first_{way}" if first else f"thing.factor.second_{way}",
        metric=desk.formats.inside(part.label),
        change=gap_to(desk, part, figure, compared),
        value=desk.text(figure),
        effect=contributed(desk, metric, total, decimal(added)),
    )


def _by_movement(desk: Desk) -> Thing | None:
    for metric in desk.close.mains():
        members = desk.close.members.get((metric.name, "movement"), ())
        total = desk.close.whole(metric.name)
        figures = [desk.close.value(metric.name, desk.close.period, "movement", member) for member in members]
        moved = [figure for figure in figures if figure is not None and figure.value]
        if not moved or total is None or total.value is None:
            continue
        moved.sort(key=lambda figure: (-size(figure.value), figure.member))
        scale = desk.formats.scale(metric.unit, [total.value, *(figure.value for figure in moved)])
        parts = []
        for figure in moved:
            value = desk.text(figure, scale, signed=True)
            desk.cite(figure, value)
            movement = desk.formats.inside(desk.member("movement", figure.member))
            parts.append(desk.say("thing.movement.part", movement=movement, value=value))
        value = desk.formats.value(total.value, scale, signed=True)
        lead = desk.say("thing.movement.lead", metric=metric.label, value=value)
        return _thing(desk, lead, desk.say("thing.movement.rest", parts=desk.formats.listed(parts)), (total, *moved))
    return None


def _by_member(desk: Desk, metric: Metric, figure: Value | None) -> Thing | None:
    cause = cause_of(desk, metric, figure)
    if figure is None or cause is None:
        return None
    lead, rest, figures = explained(desk, metric, figure, cause)
    rate = members_rate(desk, metric, cause.most.dimension, cause.most.member)
    if rate is None:
        return _thing(desk, lead, desk.say("thing.end", rest=rest), (figure, *figures))
    of, its = rate
    also = desk.say(
        "thing.member.rate_fell" if (its.change or 0) < 0 else "thing.member.rate_rose",
        member=desk.alone(cause.most.dimension, cause.most.member),
        metric=desk.formats.inside(of.label),
        change=gap_to(desk, of, its, from_prior(desk, of, its)),
        value=desk.text(its),
    )
    return _thing(desk, lead, desk.say("thing.end", rest=rest + also), (figure, *figures, its))


def _best(desk: Desk, lead: Metric) -> Thing | None:
    good = [(metric, figure) for metric, figure in other_judged(desk, lead) if reaches(metric, figure)]
    if not good:
        return None
    metric, figure = max(good, key=lambda pair: (pair[1].status == "ahead", distance(pair[1])))
    return _against(desk, metric, figure, "best")


def _worst(desk: Desk, lead: Metric) -> Thing | None:
    bad = [(metric, figure) for metric, figure in other_judged(desk, lead) if figure.status in BAD]
    if not bad:
        return None
    metric, figure = max(bad, key=lambda pair: (_SEVERITY[pair[1].status] * _WEIGHT[pair[0].level], distance(pair[1])))
    return _against(desk, metric, figure, "worst")


def _against(desk: Desk, metric: Metric, figure: Value, way: str) -> Thing | None:
    side = side_of_target(figure)
    if side is None or figure.yardstick is None:
        return None
    lead = desk.say("thing.against.lead", metric=metric.label, value=desk.text(figure))
    target = desk.say(
        "goal.of_whole" if figure.yardstick == figure.target else "goal.of_due",
        value=desk.formats.value(figure.yardstick, desk.scale(metric, [figure])),
    )
    if side == 0:
        rest = desk.say("thing.met", target=target)
    else:
        rest = desk.say(f"thing.{way}", gap=gap_to_target(desk, metric, figure), target=target)
    compared = from_prior(desk, metric, figure)
    if compared.change:
        better = (compared.change > 0) == metric.higher_is_better
        # "though" joins good with bad, "and" joins like with like.
        link = "and" if better == (way == "best") else "though"
        rest += desk.say(
            f"thing.{link}_{'better' if better else 'worse'}",
            gap=gap_to(desk, metric, figure, compared),
            prior=desk.period(desk.close.prior),
        )
    return _thing(desk, lead, desk.say("thing.end", rest=rest), (figure,))


def _tally(desk: Desk) -> Thing | None:
    judged = judged_metrics(desk)
    if not judged:
        return None
    reached, total = reached_targets(desk)
    counts = [
        desk.say("thing.tally.part", number=desk.formats.count(number), status=desk.say(f"status.{key}"))
        for key in (*GOOD, *BAD)
        if (number := sum(figure.status == key for _, figure in judged))
    ]
    numbers = {"reached": desk.formats.count(reached), "total": desk.formats.count(total)}
    lead = desk.wording.count("thing.tally.lead", total, **numbers)
    return _thing(
        desk,
        lead,
        desk.say("thing.tally.rest", parts=desk.formats.listed(counts)),
        [figure for _, figure in judged],
    )


def _data(desk: Desk) -> Thing:
    failed = len(desk.close.failed())
    total = desk.formats.count(len(desk.close.checks))
    if not failed:
        return _thing(desk, desk.say("thing.data.lead"), desk.say("thing.data.passed", total=total))
    rest = desk.wording.count("thing.data.failed", failed, failed=desk.formats.count(failed), total=total)
    return _thing(desk, desk.say("thing.data.lead"), rest)


def _coverage(desk: Desk) -> Thing:
    figures = [desk.close.whole(metric.name) for metric in desk.close.mains()]
    known = sum(figure is not None and figure.value is not None for figure in figures)
    total = len(figures)
    rest = desk.wording.count(
        "thing.coverage.rest", total, known=desk.formats.count(known), total=desk.formats.count(total)
    )
    return _thing(desk, desk.say("thing.coverage.lead"), rest)
