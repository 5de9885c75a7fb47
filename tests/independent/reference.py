"""Every metric once more, written from the metric catalogue in polars and whole numbers, without a look at the SQL.

It reads the exports themselves. Days, periods and members are worked out here; money is in cents, so that every sum is
exact; a ratio is divided in whole numbers and rounded half away from zero to 8 decimals.
"""

import calendar
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

HARDWARE = "Maven Hardware"
SAAS = "RavenStack SaaS"
GRAINS = ("day", "week", "month", "quarter", "year")
TRUNCATE = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}
GRACE_DAYS = 30
STALE_DAYS = 180
# Of fewer records a rate, an average or a quantile says little.
FEWEST = 5
ALIASES = {"GTXPro": "GTX Pro", "technolgy": "technology", "Philipines": "Philippines"}

UNIT = ["company", "business_unit"]
PLACE = [*UNIT, "segment", "country"]
SALES = [*PLACE, "region", "team", "rep", "product"]


class Key(NamedTuple):
    """What a value is of."""

    metric: str
    grain: str
    start: date
    dimension: str
    member: str


class Value(NamedTuple):
    """Numerator and denominator in ten-thousandths, value in hundred-millionths; None for n/a, with a reason.

    A numerator or denominator is None where the source says it of no observation.
    """

    numerator: int | None
    denominator: int | None
    value: int | None
    observations: int
    na_reason: str | None
    is_complete: bool
    at_most: int | None = None


class Sums(NamedTuple):
    """What the observations of one period and member add up to, the numerators for medians, what isn't settled."""

    numerator: int | None
    denominator: int | None
    observations: int
    missing: int
    values: tuple[int, ...] = ()
    pending: int = 0


Totals = dict[tuple[str, date, str, str], Sums]


def all_values(data: Path, company: Path) -> dict[Key, Value]:
    """Every value of every metric: period, member, numerator, denominator, value, observations, reason."""
    values: dict[Key, Value] = {}
    goals = named_targets(company)
    deals = opportunities(data / "maven_crm")
    for metrics in (sales(deals), recurring(data / "ravenstack"), support(data / "ravenstack")):
        for metric in metrics:
            values.update(metric.values(goals.get(metric.name, {})))
    values.update(growth(values, "booked_revenue", "booked_revenue_growth", prior_start))
    values.update(growth(values, "booked_revenue", "booked_revenue_growth_yoy", year_ago_start))
    values.update(attainment(values, "booked_revenue", "target_attainment", goals["booked_revenue"]))
    return values


# Periods -------------------------------------------------------------------------------------------------------------


def start_of(day: date, grain: str) -> date:
    """The first day of the period that a day falls in."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    months = {"day": None, "month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[grain]
    return day if months is None else date(day.year, months, 1)


def months_on(day: date, months: int) -> date:
    """The same day some months on, or the last day of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)


def end_of(start: date, grain: str) -> date:
    """The day after a period's last."""
    if grain in ("day", "week"):
        return start + timedelta(days={"day": 1, "week": 7}[grain])
    return months_on(start, {"month": 1, "quarter": 3, "year": 12}[grain])


def prior_start(start: date, grain: str) -> date:
    """The first day of the period before."""
    return start_of(start - timedelta(days=1), grain)


def year_ago_start(start: date, grain: str) -> date:
    """The first day of the same period a year before; of a week, 52 weeks before."""
    return start - timedelta(weeks=52) if grain == "week" else months_on(start, -12)


def year_later_start(start: date, grain: str) -> date:
    """The first day of the period that looks back at this one as its own a year before."""
    return start + timedelta(weeks=52) if grain == "week" else months_on(start, 12)


def periods(grain: str, first: date, last: date) -> Iterator[tuple[date, date]]:
    """The periods that have a day between first and last, as [start, end)."""
    start = start_of(first, grain)
    while start <= last:
        yield start, end_of(start, grain)
        start = end_of(start, grain)


# From observations to values -----------------------------------------------------------------------------------------


class Metric:
    """A metric with its sums by period and member, and the days between which it has been observed."""

    def __init__(
        self,
        name: str,
        aggregate: str,
        totals: Totals,
        unit: str,
        first: date,
        last: date,
        grains: Iterable[str] = GRAINS,
        from_first: bool = True,
    ) -> None:
        """`from_first`: a period that began before the first observation isn't whole (not so of a stock)."""
        self.name, self.aggregate, self.unit, self.first, self.last = name, aggregate, unit, first, last
        self.grains, self.from_first = tuple(grains), from_first
        self.totals = {
            key: sums
            for key, sums in totals.items()
            if key[0] in self.grains and key[1] <= last and (key[0] != "day" or key[2] in UNIT)
        }

    def whole(self, grain: str, start: date) -> bool:
        """Whether the data covers the whole period."""
        return (not self.from_first or start >= self.first) and end_of(start, grain) <= self.last + timedelta(days=1)

    def values(self, targets: Iterable[tuple[str, date, str, str]]) -> dict[Key, Value]:
        """The values, with those of nothing, within the days that are covered.

        The company and its unit have one in every period, a member that has a target in the target's period. What adds
        up fell to 0 of a member that had something in the period before, or a year before.
        """
        expected = {
            (grain, start, dimension, member)
            for grain in self.grains
            for start, _ in periods(grain, self.first, self.last)
            for dimension, member in (("company", "all"), ("business_unit", self.unit))
        } | {key for key in targets if key[0] in self.grains}
        if self.aggregate in ("sum", "last"):
            for grain, start, dimension, member in self.totals:
                for later in (end_of(start, grain), year_later_start(start, grain)):
                    expected.add((grain, later, dimension, member))
        nothing = {
            key: Sums(0, 0, 0, 0) for key in expected if key[1] <= self.last and end_of(key[1], key[0]) > self.first
        }
        return {Key(self.name, *key): self._value(key, sums) for key, sums in {**nothing, **self.totals}.items()}

    def _value(self, key: tuple[str, date, str, str], sums: Sums) -> Value:
        value, reason = None, None
        if sums.missing:
            reason = "missing_inputs"
        elif self.aggregate in ("sum", "last"):
            value = sums.numerator * 10**4
        elif not sums.observations:
            reason = "no_observations"
        elif sums.observations < FEWEST:
            reason = "too_few_observations"
        elif self.aggregate == "ratio":
            value = ratio(sums.numerator, sums.denominator)
            reason = "no_denominator" if value is None else None
        else:
            value = quantile(sums.values, {"median": Fraction(1, 2), "p90": Fraction(9, 10)}[self.aggregate])
        at_most = ratio(sums.numerator + sums.pending, sums.denominator) if value is not None and sums.pending else None
        whole = self.whole(key[0], key[1])
        return Value(sums.numerator, sums.denominator, value, sums.observations, reason, whole, at_most)


def ratio(numerator: int, denominator: int) -> int | None:
    """The quotient in hundred-millionths, rounded half away from zero; None without a denominator."""
    if not denominator:
        return None
    return rounded(Fraction(numerator * 10**8, denominator))


def rounded(exact: Fraction) -> int:
    """Half away from zero."""
    whole = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return whole if exact >= 0 else -whole


def quantile(values: Iterable[int], share: Fraction) -> int:
    """The quantile of ten-thousandths, in hundred-millionths, by linear interpolation between the two nearest."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return rounded((ordered[below] + (ordered[above] - ordered[below]) * (place - below)) * 10**4)


def flow(rows: pl.DataFrame, dimensions: list[str], keep_each: bool = False) -> tuple[Totals, date]:
    """Sums of rows with `day`, `n`, `d` by the period of their day and their members; and the first day.

    A row whose `n` or `d` is null counts as missing.
    """
    rows = rows.filter(pl.col("day").is_not_null())
    totals: Totals = {}
    for grain in GRAINS:
        dated = rows.with_columns(start=pl.col("day").dt.truncate(TRUNCATE[grain]))
        totals.update(by_member(dated.with_columns(grain=pl.lit(grain)), dimensions, keep_each))
    return totals, rows["day"].min()


def by_member(rows: pl.DataFrame, dimensions: list[str], keep_each: bool = False) -> Totals:
    """Sums of rows that have `grain` and `start` already."""
    totals: Totals = {}
    for dimension in dimensions:
        grouped = (
            rows.filter(pl.col(dimension).is_not_null())
            .group_by("grain", "start", dimension)
            .agg(
                *(pl.when(pl.col(c).is_not_null().any()).then(pl.col(c).sum()).alias(c) for c in ("n", "d")),
                pl.len().cast(pl.Int64),
                (pl.col("n").is_null() | pl.col("d").is_null()).sum().cast(pl.Int64).alias("missing"),
                pl.col("n").alias("each") if keep_each else pl.lit(None).alias("each"),
                (pl.col("pending").sum() if "pending" in rows.columns else pl.lit(0)).alias("pending"),
            )
        )
        for grain, start, member, n, d, count, missing, values, pending in grouped.iter_rows():
            totals[grain, start, dimension, member] = Sums(n, d, count, missing, tuple(values or ()), pending)
    return totals


# Sales ---------------------------------------------------------------------------------------------------------------


def opportunities(folder: Path) -> pl.DataFrame:
    """The pipeline with its members; `amount` in ten-thousandths, null unless won; days as dates."""
    spelt = lambda column: pl.col(column).replace(ALIASES)  # noqa: E731
    accounts = pl.read_csv(folder / "accounts.csv").select(
        "account", segment=spelt("sector"), country=spelt("office_location")
    )
    teams = pl.read_csv(folder / "sales_teams.csv").select(
        "sales_agent", team=pl.col("manager"), region=pl.col("regional_office")
    )
    pipeline = pl.read_csv(folder / "sales_pipeline.csv", infer_schema=False)
    joined = pipeline.join(accounts, on="account", how="left").join(teams, on="sales_agent", how="left")
    assert joined.height == pipeline.height
    known = [pl.col(column).fill_null("unknown") for column in ("segment", "country", "team", "region")]
    return joined.select(
        pl.col("opportunity_id").alias("id"),
        "account",
        pl.lit("all").alias("company"),
        pl.lit(HARDWARE).alias("business_unit"),
        *known,
        pl.col("sales_agent").alias("rep"),
        spelt("product").alias("product"),
        pl.col("engage_date").str.to_date().alias("created"),
        pl.col("close_date").str.to_date().alias("closed"),
        (pl.col("deal_stage") == "Won").alias("won"),
        pl.col("deal_stage").is_in(["Won", "Lost"]).alias("is_closed"),
        pl.when(pl.col("deal_stage") == "Won")
        .then(pl.col("close_value").map_elements(ten_thousandths, return_dtype=pl.Int64))
        .alias("amount"),
    )


def ten_thousandths(money: str) -> int:
    """Decimal text as a whole number of ten-thousandths."""
    exact = Fraction(money) * 10**4
    assert exact.denominator == 1
    return exact.numerator


ONE = pl.lit(10**4, pl.Int64)


def sales(deals: pl.DataFrame) -> list[Metric]:
    """The metrics of the sales source."""
    last = max(deals["created"].max(), deals["closed"].max())
    made: list[Metric] = []

    def add(name: str, aggregate: str, rows: pl.DataFrame, keep_each: bool = False, **beside: str) -> None:
        totals, first = flow(rows, SALES, keep_each)
        for suffix, how in {"": aggregate, **beside}.items():
            made.append(Metric(name + suffix, how, totals, HARDWARE, first, last))

    def rows(where: pl.Expr, day: str, n: pl.Expr, d: pl.Expr = ONE) -> pl.DataFrame:
        return deals.filter(where).select(*SALES, day=pl.col(day), n=n, d=d)

    won, closed, any_deal = pl.col("won"), pl.col("is_closed"), pl.lit(True)
    as_one = lambda condition: condition.cast(pl.Int64) * 10**4  # noqa: E731
    add("booked_revenue", "sum", rows(won, "closed", pl.col("amount")))
    add("won_deals", "sum", rows(won, "closed", ONE))
    add("sales_volume", "sum", rows(won, "closed", ONE))
    add("win_rate", "ratio", rows(closed, "closed", as_one(won)))
    # What a lost deal was worth is not in the source: the amount is null, and the value n/a.
    add(
        "win_rate_value",
        "ratio",
        rows(closed, "closed", pl.when(won).then(pl.col("amount")).otherwise(0), pl.col("amount")),
    )
    add("win_rate_cohort", "ratio", rows(any_deal, "created", as_one(won)))
    add("cohort_maturity", "ratio", rows(any_deal, "created", as_one(closed)))
    add(
        "average_deal_size",
        "ratio",
        rows(won & (pl.col("amount") > 0), "closed", pl.col("amount")),
        True,
        _median="median",
    )

    span = (pl.col("closed") - pl.col("created")).dt.total_days()
    add(
        "sales_cycle_length", "median", rows(won & (span >= 0), "closed", span * 10**4), True, _mean="ratio", _p90="p90"
    )

    first_won = deals.filter(won & pl.col("account").is_not_null()).sort("closed", "id").unique("account", keep="first")
    add("new_customers", "sum", first_won.select(*SALES, day="closed", n=ONE, d=ONE))

    made.append(pipeline_age(deals, last))
    made.append(zombie_deals(deals, last))
    return made


def pipeline_age(deals: pl.DataFrame, last: date) -> Metric:
    """Median days since creation of the deals open at the end of a period."""
    created = deals.filter(pl.col("created").is_not_null())
    first = created["created"].min()
    grains = ("week", "month", "quarter", "year")
    totals: Totals = {}
    for grain in grains:
        ends = pl.DataFrame(list(periods(grain, first, last)), schema=["start", "end"], orient="row")
        still_open = created.join(ends, how="cross").filter(
            (pl.col("created") < pl.col("end")) & (pl.col("closed").is_null() | (pl.col("closed") >= pl.col("end")))
        )
        age = (pl.col("end") - pl.col("created")).dt.total_days() - 1
        totals.update(
            by_member(still_open.with_columns(grain=pl.lit(grain), n=age * 10**4, d=ONE), SALES, keep_each=True)
        )
    first_week = min(start for grain, start, *_ in totals if grain == "week")
    return Metric("pipeline_age", "median", totals, HARDWARE, first_week, last, grains)


def zombie_deals(deals: pl.DataFrame, last: date) -> Metric:
    """Deals open at the end of a period, more than so many days after they were created."""
    stale = deals.filter(pl.col("created").is_not_null()).with_columns(
        stale=pl.col("created") + timedelta(days=STALE_DAYS)
    )
    totals: Totals = {}
    for grain in GRAINS:
        ends = pl.DataFrame(list(periods(grain, stale["stale"].min(), last)), schema=["start", "end"], orient="row")
        lying = stale.join(ends, how="cross").filter(
            (pl.col("stale") < pl.col("end")) & (pl.col("closed").is_null() | (pl.col("closed") >= pl.col("end")))
        )
        totals.update(by_member(lying.with_columns(grain=pl.lit(grain), n=ONE, d=ONE), SALES))
    first = min(start for grain, start, *_ in totals if grain == "day")
    return Metric("zombie_deals", "last", totals, HARDWARE, first, last, from_first=False)


# Recurring revenue ---------------------------------------------------------------------------------------------------


def recurring(folder: Path) -> list[Metric]:
    """The metrics of the subscriptions."""
    accounts = pl.read_csv(folder / "ravenstack_accounts.csv").select(
        account=pl.col("account_id"),
        segment=pl.col("industry").fill_null("unknown"),
        country=pl.col("country").fill_null("unknown"),
    )
    items = pl.read_csv(folder / "ravenstack_subscriptions.csv", infer_schema=False).select(
        id="subscription_id",
        account="account_id",
        product="plan_tier",
        start=pl.col("start_date").str.to_date(),
        end=pl.col("end_date").str.to_date(),
        cancelled=pl.col("churn_flag") == "True",
        mrr=pl.when(pl.col("is_trial") == "True")
        .then(0)
        .otherwise(pl.col("mrr_amount").map_elements(ten_thousandths, return_dtype=pl.Int64)),
    )
    tickets = read_tickets(folder)
    last = max(items["start"].max(), items["end"].max(), tickets["submitted"].max(), tickets["closed"].max())
    items = items.filter(pl.col("end").is_null() | (pl.col("end") > pl.col("start")))
    items = items.join(accounts, on="account", how="left").with_columns(
        company=pl.lit("all"), business_unit=pl.lit(SAAS)
    )
    customers = customer_periods(items, accounts, last)
    return [mrr(items, last), *retention(customers, last), churn(items, customers, last), *movements(customers, last)]


def mrr(items: pl.DataFrame, last: date) -> Metric:
    """Monthly value of the items active on the last day of a period."""
    totals: Totals = {}
    for grain in GRAINS:
        ends = pl.DataFrame(list(periods(grain, items["start"].min(), last)), schema=["period", "until"], orient="row")
        active = items.join(ends, how="cross").filter(
            (pl.col("start") < pl.col("until")) & (pl.col("end").is_null() | (pl.col("end") >= pl.col("until")))
        )
        active = active.drop("start").rename({"period": "start", "mrr": "n"}).with_columns(grain=pl.lit(grain), d=ONE)
        totals.update(by_member(active, [*PLACE, "product"]))
    first = min(start for grain, start, *_ in totals if grain == "day")
    return Metric("mrr", "last", totals, SAAS, first, last, from_first=False)


def customer_periods(items: pl.DataFrame, accounts: pl.DataFrame, last: date) -> pl.DataFrame:
    """A row per customer (or customer and product) and period: MRR at its opening, closing and a year before."""
    first = items["start"].min()
    final = max(end_of(start_of(last, grain), grain) for grain in GRAINS)
    days = pl.DataFrame({"day": pl.date_range(months_on(first, -13), final, eager=True)})
    events = pl.concat(
        [
            items.select("account", "product", day="start", mrr="mrr", active=pl.lit(1)),
            items.filter(pl.col("end").is_not_null()).select(
                "account", "product", day="end", mrr=-pl.col("mrr"), active=pl.lit(-1)
            ),
        ]
    )
    changes = events.group_by("account", "product", "day").agg(pl.col("mrr", "active").sum())
    holdings = items.select("account", "product").unique()
    level = (
        holdings.join(days, how="cross")
        .join(changes, on=["account", "product", "day"], how="left")
        .sort("account", "product", "day")
        .with_columns(pl.col("mrr", "active").fill_null(0).cum_sum().over("account", "product"))
    )
    whole = level.group_by("account", "day").agg(pl.col("mrr", "active").sum())
    level = pl.concat([whole.with_columns(product=pl.lit(None, pl.String)).select(level.columns), level])

    spans = [
        (grain, start, end, start - timedelta(days=1), end - timedelta(days=1), year_before_closing(end, grain))
        for grain in GRAINS
        for start, end in periods(grain, first, last)
    ]
    spine = pl.DataFrame(spans, schema=["grain", "start", "end", "opening", "closing", "year_ago"], orient="row")
    # Of a product there are no days.
    rows = pl.concat(
        [
            level.filter(pl.col("product").is_null()).select("account", "product").unique().join(spine, how="cross"),
            holdings.join(spine.filter(pl.col("grain") != "day"), how="cross"),
        ]
    )
    for moment in ("opening", "closing", "year_ago"):
        at = level.rename({"day": moment, "mrr": f"{moment}_mrr", "active": f"{moment}_active"})
        rows = rows.join(at, on=["account", "product", moment], how="left", nulls_equal=True)
    by_customer = pl.col("product").is_null()
    return rows.join(accounts, on="account", how="left").with_columns(
        company=pl.when(by_customer).then(pl.lit("all")),
        business_unit=pl.when(by_customer).then(pl.lit(SAAS)),
        segment=pl.when(by_customer).then(pl.col("segment")),
        country=pl.when(by_customer).then(pl.col("country")),
    )


def year_before_closing(end: date, grain: str) -> date:
    """The day a year before a period's last: of a month or longer the last of the same one, of others the same day."""
    closing = end - timedelta(days=1)
    if grain in ("day", "week"):
        return months_on(closing, -12)
    return date(closing.year - 1, closing.month, calendar.monthrange(closing.year - 1, closing.month)[1])


def of_periods(rows: pl.DataFrame, name: str, last: date) -> Metric:
    """A ratio over rows that have a period already; its first day is the first on which anything counted."""
    totals = by_member(rows, [*PLACE, "product"])
    first = min(start for grain, start, *_ in totals if grain == "day")
    return Metric(name, "ratio", totals, SAAS, first, last, from_first=False)


def retention(customers: pl.DataFrame, last: date) -> list[Metric]:
    """Gross: what is left of the opening MRR, nothing added. Net: MRR now of the customers of a year ago."""
    opening = customers.filter(pl.col("opening_mrr") > 0).with_columns(
        n=pl.min_horizontal("opening_mrr", "closing_mrr"), d="opening_mrr"
    )
    a_year_ago = customers.filter(pl.col("year_ago_mrr") > 0).with_columns(n="closing_mrr", d="year_ago_mrr")
    return [of_periods(opening, "gross_revenue_retention", last), of_periods(a_year_ago, "net_revenue_retention", last)]


def churn(items: pl.DataFrame, customers: pl.DataFrame, last: date) -> Metric:
    """Customers at the opening who were lost in the period; pending, those of them in grace."""
    lost = losses(items, last)

    def of_period(row: dict[str, Any]) -> int:
        """2 who was lost, 1 who is in grace, 0 who stayed."""
        ends = lost.get((row["account"], row["product"]), ())
        return max((1 + settled for day, settled in ends if row["start"] <= day < row["end"]), default=0)

    rows = (
        customers.filter(pl.col("opening_active") > 0)
        .with_columns(
            fate=pl.struct("account", "product", "start", "end").map_elements(of_period, return_dtype=pl.Int64)
        )
        .with_columns(
            n=(pl.col("fate") == 2).cast(pl.Int64) * 10**4,
            d=ONE,
            pending=(pl.col("fate") == 1).cast(pl.Int64) * 10**4,
        )
    )
    return of_periods(rows, "customer_churn_rate", last)


def losses(items: pl.DataFrame, last: date) -> dict[tuple[str, str | None], list[tuple[date, bool]]]:
    """The days from which a customer (or a customer of a product) had no subscription, and whether it is settled.

    A cancelled subscription is an end on its day. One that ran out without a word is an end if none followed within the
    days of grace; until these are over it isn't settled. Of several that end together, one that ran out decides.
    """
    held: dict[tuple[str, str | None], list[tuple[date, date | None, bool]]] = {}
    for account, product, *span in items.select("account", "product", "start", "end", "cancelled").iter_rows():
        held.setdefault((account, None), []).append(tuple(span))
        held.setdefault((account, product), []).append(tuple(span))
    lost = {}
    for key, spans in held.items():
        lost[key] = []
        for until in sorted({end for _, end, _ in spans if end is not None and end <= last}):
            if any(start <= until and (end is None or end > until) for start, end, _ in spans):
                continue
            explicit = all(cancelled for _, end, cancelled in spans if end == until)
            grace = until + timedelta(days=0 if explicit else GRACE_DAYS)
            back = min((start for start, _, _ in spans if start > until), default=None)
            if explicit or back is None or back > grace:
                lost[key].append((until, grace <= last))
    return lost


def movements(customers: pl.DataFrame, last: date) -> list[Metric]:
    """What changed the MRR of a customer over a month, by kind; in its month, quarter and year."""
    months = customers.filter((pl.col("grain") == "month") & pl.col("product").is_null()).sort("start")
    had_before = (pl.col("closing_mrr") > 0).cast(pl.Int64).cum_sum().over("account") - (pl.col("closing_mrr") > 0) > 0
    moved = months.with_columns(n=pl.col("closing_mrr") - pl.col("opening_mrr"), had_before=had_before).filter(
        pl.col("n") != 0
    )
    kind = (
        pl.when((pl.col("opening_mrr") == 0) & ~pl.col("had_before"))
        .then(pl.lit("new"))
        .when(pl.col("opening_mrr") == 0)
        .then(pl.lit("reactivation"))
        .when(pl.col("closing_mrr") == 0)
        .then(pl.lit("churn"))
        .when(pl.col("n") > 0)
        .then(pl.lit("expansion"))
        .otherwise(pl.lit("contraction"))
    )
    totals, first = flow(moved.select(*PLACE, "n", movement=kind, day="closing", d=ONE), [*PLACE, "movement"])
    return [Metric("mrr_movement", "sum", totals, SAAS, first, last, ("month", "quarter", "year"))]


# Support -------------------------------------------------------------------------------------------------------------


def read_tickets(folder: Path) -> pl.DataFrame:
    """The tickets: days, minutes and score; the export's times are the company's wall clock."""
    return pl.read_csv(folder / "ravenstack_support_tickets.csv", infer_schema=False).select(
        account="account_id",
        submitted=pl.col("submitted_at").str.head(10).str.to_date(),
        closed=pl.col("closed_at").str.head(10).str.to_date(),
        minutes=pl.col("first_response_time_minutes").cast(pl.Int64),
        score=pl.col("satisfaction_score").cast(pl.Float64),
    )


def support(folder: Path) -> list[Metric]:
    """The metrics of the tickets."""
    accounts = pl.read_csv(folder / "ravenstack_accounts.csv").select(
        "country", account="account_id", segment="industry"
    )
    tickets = (
        read_tickets(folder)
        .join(accounts, on="account", how="left")
        .with_columns(
            pl.col("segment", "country").fill_null("unknown"), company=pl.lit("all"), business_unit=pl.lit(SAAS)
        )
    )
    starts = pl.read_csv(folder / "ravenstack_subscriptions.csv", infer_schema=False)
    last = max(
        tickets["submitted"].max(),
        tickets["closed"].max(),
        starts["start_date"].str.to_date().max(),
        starts["end_date"].str.to_date().max(),
    )
    made = []

    def add(
        name: str, aggregate: str, day: str, rows: pl.DataFrame, n: pl.Expr, keep_each: bool = False, **beside: str
    ) -> None:
        totals, first = flow(rows.select(*PLACE, day=pl.col(day), n=n, d=ONE), PLACE, keep_each)
        for suffix, how in {"": aggregate, **beside}.items():
            made.append(Metric(name + suffix, how, totals, SAAS, first, last))

    answered = tickets.filter(pl.col("score").is_not_null())
    add("customer_satisfaction", "ratio", "closed", answered, (pl.col("score") >= 4).cast(pl.Int64) * 10**4)
    add("survey_response_rate", "ratio", "closed", tickets, pl.col("score").is_not_null().cast(pl.Int64) * 10**4)
    responded = tickets.filter(pl.col("minutes").is_not_null())
    add("first_response_time", "median", "submitted", responded, pl.col("minutes") * 10**4, True, _p90="p90")
    return made


# Derived -------------------------------------------------------------------------------------------------------------


def growth(values: dict[Key, Value], metric: str, name: str, back: Callable[[date, str], date]) -> dict[Key, Value]:
    """(current − base) / |base| of the members that have a value; n/a on a missing, partial or zero base."""
    results = {}
    known = {key[1:]: value for key, value in values.items() if key.metric == metric}
    for (grain, start, dimension, member), now in known.items():
        base_start = back(start, grain)
        whole_now = known[grain, start, "company", "all"]
        whole_then = known.get((grain, base_start, "company", "all"))
        then = known.get((grain, base_start, dimension, member), Value(0, 0, 0, 0, None, False))
        change, base = now.numerator - then.numerator, abs(then.numerator)
        value, reason = None, None
        if whole_then is None:
            reason = "no_history"
        elif not (whole_now.is_complete and whole_then.is_complete):
            reason = "partial_period"
        elif now.na_reason or then.na_reason:
            reason = now.na_reason or then.na_reason
        elif not base:
            reason = "no_denominator"
        else:
            value = ratio(change, base)
        results[Key(name, grain, start, dimension, member)] = Value(
            change, base, value, now.observations + then.observations, reason, whole_now.is_complete
        )
    return results


def attainment(
    values: dict[Key, Value], metric: str, name: str, targets: dict[tuple[str, date, str, str], int]
) -> dict[Key, Value]:
    """Actual over the target for the whole period, where there is one; the target counts as an observation."""
    results = {}
    for key, goal in targets.items():
        actual = values.get(Key(metric, *key))
        if actual is not None:
            results[Key(name, *key)] = Value(
                actual.numerator,
                goal,
                None if actual.na_reason else ratio(actual.numerator, goal),
                actual.observations + 1,
                actual.na_reason or (None if goal else "no_denominator"),
                actual.is_complete,
            )
    return results


def named_targets(company: Path) -> dict[str, dict[tuple[str, date, str, str], int]]:
    """The targets of all units in ten-thousandths, by metric, then period and member."""
    targets: dict[str, dict[tuple[str, date, str, str], int]] = {}
    columns = ("metric", "period", "dimension", "member", "target")
    for path in company.rglob("targets.csv"):
        rows = pl.read_csv(path, infer_schema=False).select(columns).iter_rows()
        for metric, label, dimension, member, target in rows:
            grain, start = named(label)
            targets.setdefault(metric, {})[grain, start, dimension, member] = ten_thousandths(target)
    return targets


def named(label: str) -> tuple[str, date]:
    """The grain and first day of a period's label: 2017, 2017-Q4, 2017-12, 2017-W52 or 2017-12-31."""
    year, _, rest = label.partition("-")
    if not rest:
        return "year", date(int(year), 1, 1)
    if rest.startswith("Q"):
        return "quarter", date(int(year), int(rest[1:]) * 3 - 2, 1)
    if rest.startswith("W"):
        return "week", date.fromisocalendar(int(year), int(rest[1:]), 1)
    if len(rest) == 2:
        return "month", date(int(year), int(rest), 1)
    return "day", date.fromisoformat(label)
