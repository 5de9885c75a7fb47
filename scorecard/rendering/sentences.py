"""The finding in one sentence, and of an indicator that misses its target why."""

from decimal import Decimal

from scorecard.rendering.analysis import BAD, absolute, driver_of, factors_of, lead_metric, reached_targets
from scorecard.rendering.close import Metric, Value
from scorecard.rendering.desk import Desk, difference


def headline(desk: Desk) -> str:
    """Return the finding as a sentence."""
    metric, figure = lead_metric(desk)
    if figure is None or figure.value is None:
        period = desk.period(desk.close.period)
        finding = desk.say("headline.missing", metric=metric.label, reason=desk.reason(None, period))
        return desk.say("headline", finding=finding, target="", why="")
    value = desk.formats.value(figure.value, desk.scale(metric, [figure]))
    change = figure.change
    if change is None:
        finding = desk.say("headline.is", metric=metric.label, value=value)
    elif change == 0:
        finding = desk.say("headline.held", metric=metric.label, value=value)
    else:
        gap = desk.formats.change(metric.unit, abs(change), absolute(figure.change_ratio), signed=False)
        key = "headline.fell" if change < 0 else "headline.rose"
        finding = desk.say(key, metric=metric.label, change=gap, value=value)
    return desk.say("headline", finding=finding, target=_target(desk, metric, figure), why=_why(desk, metric, figure))


def exception(desk: Desk, metric: Metric, figure: Value | None) -> str | None:
    """Say of a metric that misses its target what moved, by how much, and which member moved it most."""
    if figure is None or figure.value is None or figure.yardstick is None or figure.status not in BAD:
        return None
    change, ratio = difference(figure.value, figure.yardstick)
    gap = desk.formats.gap(metric.unit, change, ratio)
    key = "exception.short" if change < 0 else "exception.over"
    sentence = desk.say(key, gap=gap)
    if driver := driver_of(desk, figure):
        moved = contributed(desk, metric, figure, driver.contribution)
        member = desk.alone(driver.dimension, driver.member)
        prior = desk.period(desk.close.prior)
        sentence += desk.say("exception.driver", member=member, contribution=moved, prior=prior)
    return sentence


def contributed(desk: Desk, metric: Metric, figure: Value, amount: Decimal) -> str:
    """Write what a member added to a change: to that of a share in points, to anything else in its own unit."""
    if metric.unit == "percent":
        return desk.formats.change(metric.unit, amount, None) or ""
    return desk.formats.value(amount, desk.scale(metric, [figure]), signed=True)


def _target(desk: Desk, metric: Metric, figure: Value) -> str:
    if figure.value is None or figure.yardstick is None:
        return ""
    change, ratio = difference(figure.value, figure.yardstick)
    if change == 0:
        return desk.say("headline.met")
    return desk.say(
        "headline.short" if change < 0 else "headline.above", gap=desk.formats.gap(metric.unit, change, ratio)
    )


def _why(desk: Desk, metric: Metric, figure: Value) -> str:
    factors = factors_of(desk, metric)
    if factors is None:
        reached, total = reached_targets(desk)
        if not total:
            return ""
        return desk.wording.count(
            "headline.tally", total, reached=desk.formats.count(reached), total=desk.formats.count(total)
        )
    (first, _, _), (second, _, _) = factors.parts
    ways = ["fell" if effect < 0 else "rose" if effect > 0 else "held" for _, _, effect in factors.parts]
    names = {"first": desk.formats.inside(first.label), "second": desk.formats.inside(second.label)}
    if "held" in ways:
        return ""
    return desk.say(f"headline.both_{ways[0]}" if ways[0] == ways[1] else f"headline.first_{ways[0]}", **names)
