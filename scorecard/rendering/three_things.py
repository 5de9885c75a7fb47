"""The three things to know.

Which sentence is printed follows from the structure of the figures, never from a metric's name: a product of two
others is told apart into both, a metric by movement into its movements.
"""

from dataclasses import dataclass
from decimal import Decimal

from scorecard.rendering.analysis import (
    BAD,
    GOOD,
    absolute,
    distance,
    driver_of,
    factors_of,
    judged_metrics,
    lead_metric,
    members_rate,
    other_judged,
    reached_targets,
    reaches,
    size,
)
from scorecard.rendering.close import Metric, Value
from scorecard.rendering.desk import Desk, difference
from scorecard.rendering.sentences import contributed

# Where a language has no spaces, the last few characters stand for the last word.
_LONGEST_TAIL, _SHORT_TAIL = 12, 4


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
    """Return the three things to know: why, who moved it, what went well; others where one is not known.

    Where nothing has a value and nothing a target, two are all there is to say.
    """
    metric, figure = lead_metric(desk)
    candidates = [
        _by_factor(desk, metric) or _by_movement(desk),
        _by_member(desk, metric, figure),
        _best(desk, metric),
        _worst(desk, metric),
        _tally(desk),
        _data(desk),
        _coverage(desk),
    ]
    return tuple(thing for thing in candidates if thing)[:3]


def _thing(desk: Desk, lead: str, rest: str, figure_ids: tuple[str, ...]) -> Thing:
    space = " " if desk.say("style.space_after_lead") == "yes" else ""
    return Thing(lead, space, rest, figure_ids)


def _by_factor(desk: Desk, metric: Metric) -> Thing | None:
    factors = factors_of(desk, metric)
    if factors is None or not factors.total.change:
        return None
    total = factors.total.change
    parts = sorted(factors.parts, key=lambda part: abs(part[2]), reverse=True)
    scale = desk.scale(metric, [factors.total])
    first = desk.formats.inside(parts[0][0].label)
    if parts[0][2] * parts[1][2] >= 0:
        key = "thing.factor.fall" if total < 0 else "thing.factor.rise"
        lead = desk.say(key, share=desk.formats.share(parts[0][2] / total, 0), metric=first)
    else:
        lead = desk.say("thing.factor.opposed", metric=parts[0][0].label)
    clauses = []
    for at, (part, figure, effect) in enumerate(parts):
        way = "fell" if (figure.change or 0) < 0 else "rose"
        clauses.append(
            desk.say(
                # The words that lead have named the first of the two already.
                f"thing.factor.second_{way}" if at else f"thing.factor.first_{way}",
                metric=desk.formats.inside(part.label),
                change=_moved(desk, part, figure),
                value=desk.formats.value(figure.value or Decimal(0), desk.scale(part, [figure])),
                effect=desk.formats.value(effect, scale, signed=True),
            )
        )
    ids = tuple(figure.figure_id for _, figure, _ in parts)
    return _thing(
        desk, lead, desk.say("thing.factor.rest", first=clauses[0], second=clauses[1]), (factors.total.figure_id, *ids)
    )


def _moved(desk: Desk, metric: Metric, figure: Value) -> str:
    """Write by how much a factor moved: a count by its number, anything else by its share."""
    change = abs(figure.change or Decimal(0))
    if metric.unit in {"count", "units", "days", "minutes"}:
        return desk.formats.single(change, metric.unit)
    return desk.formats.change(metric.unit, change, absolute(figure.change_ratio), signed=False) or ""


def _by_movement(desk: Desk) -> Thing | None:
    for metric in desk.close.mains():
        members = desk.close.members.get((metric.name, "movement"), ())
        total = desk.close.whole(metric.name)
        figures = [desk.close.value(metric.name, desk.close.period, "movement", member) for member in members]
        moved = [figure for figure in figures if figure is not None and figure.value]
        if not moved or total is None or total.value is None:
            continue
        moved.sort(key=lambda figure: (-size(figure.value), figure.member))
        scale = desk.formats.scale(metric.unit, [figure.value for figure in moved])
        parts = [
            desk.say(
                "thing.movement.part",
                movement=desk.formats.inside(desk.member("movement", figure.member)),
                value=desk.formats.value(figure.value or Decimal(0), scale, signed=True),
            )
            for figure in moved
        ]
        value = desk.formats.value(total.value, desk.scale(metric, [total]), signed=True)
        lead = desk.say("thing.movement.lead", metric=metric.label, value=value)
        ids = (total.figure_id, *(figure.figure_id for figure in moved))
        return _thing(desk, lead, desk.say("thing.movement.rest", parts=desk.formats.listed(parts)), ids)
    return None


def _by_member(desk: Desk, metric: Metric, figure: Value | None) -> Thing | None:
    driver = driver_of(desk, figure) if figure else None
    if figure is None or driver is None:
        return None
    moved, own = driver.contribution, driver.own
    scale = desk.scale(metric, [figure])
    name = desk.alone(driver.dimension, driver.member)
    prior = desk.period(desk.close.prior)
    lead = desk.say("thing.member.lead", member=name, metric=desk.formats.inside(metric.label))
    if own is None or own.value is None or not own.change:
        rest = desk.say("thing.member.moved", contribution=contributed(desk, metric, figure, moved), prior=prior)
        return _thing(desk, lead, rest, (figure.figure_id,))
    gap = desk.formats.change(metric.unit, abs(own.change), absolute(own.change_ratio), signed=False)
    rest = desk.say(
        "thing.member.fell" if own.change < 0 else "thing.member.rose",
        change=gap,
        prior=prior,
        value=desk.formats.value(own.value, scale),
        contribution=contributed(desk, metric, figure, moved),
    )
    rate = members_rate(desk, metric, driver.dimension, driver.member)
    if rate is None:
        return _thing(desk, lead, desk.say("thing.member.end", rest=rest), (own.figure_id,))
    of, its = rate
    change = its.change or Decimal(0)
    also = desk.say(
        "thing.member.rate_fell" if change < 0 else "thing.member.rate_rose",
        metric=desk.formats.inside(of.label),
        change=desk.formats.change(of.unit, abs(change), absolute(its.change_ratio), signed=False),
        value=desk.formats.value(its.value or Decimal(0), desk.scale(of, [its])),
    )
    return _thing(desk, lead, desk.say("thing.member.end", rest=rest + also), (own.figure_id, its.figure_id))


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
    metric, figure = max(bad, key=lambda pair: (pair[1].status == "off_track", distance(pair[1])))
    return _against(desk, metric, figure, "worst")


def _against(desk: Desk, metric: Metric, figure: Value, way: str) -> Thing | None:
    if figure.value is None or figure.yardstick is None:
        return None
    scale = desk.scale(metric, [figure])
    lead = desk.say("thing.against.lead", metric=metric.label, value=desk.formats.value(figure.value, scale))
    change, ratio = difference(figure.value, figure.yardstick)
    target = desk.formats.value(figure.yardstick, scale)
    rest = (
        desk.say(f"thing.{way}", gap=desk.formats.gap(metric.unit, change, ratio), target=target)
        if change
        else desk.say("thing.met", target=target)
    )
    if figure.change:
        better = (figure.change > 0) == metric.higher_is_better
        # "though" joins good with bad, "and" joins like with like.
        link = "and" if better == (way == "best") else "though"
        gap = desk.formats.gap(metric.unit, figure.change, figure.change_ratio)
        rest += desk.say(
            f"thing.{link}_{'better' if better else 'worse'}", gap=gap, prior=desk.period(desk.close.prior)
        )
    return _thing(desk, lead, desk.say("thing.end", rest=rest), (figure.figure_id,))


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
        tuple(f.figure_id for _, f in judged),
    )


def _data(desk: Desk) -> Thing:
    failed = len(desk.close.failed())
    total = desk.formats.count(len(desk.close.checks))
    if not failed:
        return _thing(desk, desk.say("thing.data.lead"), desk.say("thing.data.passed", total=total), ())
    rest = desk.wording.count("thing.data.failed", failed, failed=desk.formats.count(failed), total=total)
    return _thing(desk, desk.say("thing.data.lead"), rest, ())


def _coverage(desk: Desk) -> Thing:
    figures = [desk.close.whole(metric.name) for metric in desk.close.mains()]
    known = sum(figure is not None and figure.value is not None for figure in figures)
    total = len(figures)
    rest = desk.wording.count(
        "thing.coverage.rest", total, known=desk.formats.count(known), total=desk.formats.count(total)
    )
    return _thing(desk, desk.say("thing.coverage.lead"), rest, ())
