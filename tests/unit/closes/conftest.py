"""A small published warehouse, computed in plain Python. A test may change its records and publish again."""

import hashlib
import operator
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest

from scorecard.catalogue import Metric, Scorecard, load_dimensions
from scorecard.catalogue.expression import read_expression
from scorecard.closes.freeze import Build, close
from scorecard.shared.periods import Grain, add_months, parse_period, period_of
from scorecard.shared.schedule import When
from scorecard.shared.settings import PROJECT, Settings
from tests.conftest import SETTINGS_FILE

ZONE = ZoneInfo("America/New_York")
DIMENSIONS = tuple(load_dimensions(Settings()))
COLUMNS = (
    *(
        "metric",
        "observation_id",
        "source_system",
        "source_object",
        "record_id",
        "source_file",
        "source_line",
    ),
    *(
        "source_sha256",
        "occurred_at",
        "occurred_on",
        "ended_on",
        "grain",
        "period_start",
        "period_until",
        "scope",
        *DIMENSIONS,
        "numerator",
        "denominator",
        "is_event",
        "settles_on",
    ),
)
TYPES = {
    **dict.fromkeys(COLUMNS, "varchar"),
    **{"source_line": "bigint", "occurred_at": "timestamptz", "occurred_on": "date", "ended_on": "date"},
    **{"numerator": "decimal(28,4)", "denominator": "decimal(28,4)", "is_event": "boolean"},
    **dict.fromkeys(("period_start", "period_until", "settles_on"), "date"),
}
UNIT = "Hardware"
PUBLISHED: dict[str, bytes] = {}


@dataclass(frozen=True)
class Deal:
    id: str
    closed: date
    won: bool
    amount: Decimal | None
    days: int
    rep: str
    region: str
    unit: str = UNIT
    file: str = "crm/deals.csv"
    line: int = 2
    version: str = "v1"


@dataclass(frozen=True)
class Item:
    id: str
    started: date
    ended: date | None
    amount: Decimal
    region: str = "West"


def metric(name, aggregate, model=None, **changes):
    words = {"en": name.replace("_", " ")}
    about = {
        **{
            "label": words,
            "definition": words,
            "formula": {"en": aggregate},
            "unit": "currency",
            "direction": "higher",
        },
        **{"level": "kgi", "perspective": "internal", "metric_class": "outcome", "owner": "sales"},
        **changes,
    }
    return Metric(name=name, model=f"kpi_{model or name}", aggregate=aggregate, **about)


def derived(name, expression):
    entry = metric(name, "derived", unit="percent", expression=read_expression(expression))
    return replace(entry, model="")


FONTS = {"Plain.ttc": "0" * 64}
# A function that can be pickled for another process. No figure of a test is in its result.
PRINTED = operator.attrgetter("parts")
METRICS = {
    entry.name: entry
    for entry in (
        metric("won_value", "sum"),
        metric("win_rate", "ratio", minimum_observations=2, unit="percent"),
        metric("cycle", "median", unit="days"),
        metric("cycle_mean", "average", "cycle", variant_of="cycle", unit="days"),
        metric("cycle_p90", "percentile_90", "cycle", variant_of="cycle", unit="days"),
        metric("mrr", "last", kind="stock", evidence="evidence_items"),
        derived("growth", "(won_value - prior(won_value)) / abs(prior(won_value))"),
        derived("attainment", "won_value / target(won_value)"),
        metric("elsewhere", "sum"),
    )
}
SCORECARD = Scorecard(
    name="sales",
    title={"en": "Sales"},
    business_unit=UNIT,
    cadences=(Grain.QUARTER,),
    due={Grain.QUARTER: When()},
    metrics=("won_value", "win_rate", "cycle", "mrr", "growth", "attainment"),
    breakdowns=(("won_value", "region"),),
    languages=("en",),
    recipients=(),
    domains=("example.com",),
    owner="sales-ops@example.com",
    purpose={"en": "How it went"},
)


def first_deals():
    deals = []
    for month in range(16):
        first = add_months(date(2016, 9, 1), month)
        for number in range(4):
            deals.append(
                Deal(
                    id=f"D{month:02}{number}",
                    closed=first.replace(day=3 + 6 * number),
                    won=(month + number) % 3 != 0,
                    amount=Decimal(1000 + 137 * month + 311 * number) + Decimal("0.25") * number,
                    days=20 + (7 * month + 13 * number) % 60,
                    rep=("Ann", "Bo'b", "Cy")[number % 3],
                    region=("West", "East")[number % 2],
                    line=2 + 4 * month + number,
                )
            )
    return deals


@dataclass
class World:
    """The records, and the means to publish and close them."""

    settings: Settings
    deals: list = field(default_factory=first_deals)
    items: list = field(
        default_factory=lambda: [
            Item("S1", date(2016, 1, 1), None, Decimal("100.50")),
            Item("S2", date(2017, 2, 10), date(2017, 11, 5), Decimal("40.25"), "East"),
            Item("S3", date(2017, 12, 1), date(2018, 1, 1), Decimal("9.99"), "East"),
        ]
    )
    targets: dict = field(default_factory=lambda: {("quarter", "2017-Q4"): Decimal(20000)})
    minimum: int = 2
    last_day: date = date(2017, 12, 31)
    check_failures: int = 0
    check_message: str = "m"
    check_unit: str | None = None
    action_begins: date = date(2017, 10, 1)
    factor: int = 1
    """The factor by which the SQL multiplies an amount."""
    raw: list = field(default_factory=list)
    """The versions of the deals in the raw table: lists of the deal, its first moment and its end."""
    merged: dict = field(default_factory=dict)
    loads: int = 0
    names: list = field(default_factory=list)
    """The renamed members: dimension, old name, new name."""
    lineage: dict = field(
        default_factory=lambda: {"won_value": {"sql": "select 1", "columns": {"numerator": ["raw.x.y"]}}}
    )
    code: dict = field(default_factory=lambda: {"revision": "abc", "dbt_manifest_sha256": "0"})

    def sha(self, version):
        return hashlib.sha256(version.encode()).hexdigest()

    def observations(self):
        for deal in self.deals:
            amount = deal.amount and deal.amount * self.factor
            yield from self.deal_observations(replace(deal, amount=amount))
        for item in self.items:
            yield self.row(
                "mrr",
                item.id,
                item.started,
                Decimal(item.amount),
                Decimal(1),
                ended=item.ended,
                region=item.region,
            )

    def deal_observations(self, deal):
        about = {
            **{
                "rep": deal.rep,
                "region": deal.region,
                "unit": deal.unit,
                "file": deal.file,
                "line": deal.line,
            },
            "version": deal.version,
        }
        yield self.row("win_rate", deal.id, deal.closed, Decimal(deal.won), Decimal(1), **about)
        if deal.won:
            yield self.row("won_value", deal.id, deal.closed, deal.amount, Decimal(1), **about)
            yield self.row("cycle", deal.id, deal.closed, Decimal(deal.days), Decimal(1), **about)

    def row(
        self,
        name,
        key,
        on,
        numerator,
        denominator,
        ended=None,
        grain=None,
        rep="Ann",
        region="West",
        unit=UNIT,
        file="crm/deals.csv",
        line=1,
        version="v1",
        record=None,
    ):
        return {
            **dict.fromkeys(COLUMNS),
            **{
                "metric": name,
                "observation_id": f"crm|{key}",
                "source_system": "crm",
                "source_object": "deals",
            },
            **{
                "record_id": record or key,
                "source_file": file,
                "source_line": line,
                "source_sha256": self.sha(version),
            },
            **{
                "occurred_at": datetime.combine(on, time(), ZONE).astimezone(UTC),
                "occurred_on": on,
                "ended_on": ended,
            },
            **{"grain": grain, "scope": unit, "company": "all", "business_unit": unit, "rep": rep, "region": region},
            **{"numerator": numerator, "denominator": denominator, "is_event": True},
        }

    def status(self, rows):
        """Compute every figure from the rows."""
        periods = {period_of(add_months(date(2016, 9, 1), n), Grain.MONTH) for n in range(16)}
        periods |= {period_of(period.start, Grain.QUARTER) for period in periods}
        status_rows = []
        for entry in METRICS.values():
            if entry.expression:
                continue
            base = entry.base
            minimum = self.minimum if entry.minimum_observations > 1 else 1
            for period in sorted(periods):
                groups = {("all", "company", "all"): [], (UNIT, "business_unit", UNIT): []}
                for row in rows:
                    if row["metric"] != base or row["grain"] not in (None, period.grain.value):
                        continue
                    if entry.aggregate == "last":
                        end = self.until(period)
                        counts = row["occurred_on"] < end and (row["ended_on"] or date.max) >= end
                    else:
                        counts = period.start <= row["occurred_on"] < period.end
                    for dimension in DIMENSIONS if counts else ():
                        if row[dimension] is not None:
                            scope = "all" if dimension == "company" else row["scope"]
                            groups.setdefault((scope, dimension, row[dimension]), []).append(row)
                for key, group in groups.items():
                    status_rows.append(figure(entry, period, self.until(period), *key, group, minimum, self.targets))
        won = {(row[2], *row[7:10]): row for row in status_rows if row[0] == "won_value"}
        for (label, *key), row in won.items():
            before = parse_period(label).shift(-1)
            status_rows.append(growth(row, won.get((before.label, *key)), before in periods))
            if (row[1], label) in self.targets and key[1] == "business_unit":
                status_rows.append(attainment(row, self.targets[row[1], label]))
        return status_rows

    def until(self, period):
        """Return the first day after the data of a period."""
        return min(period.end, self.last_day + timedelta(days=1))

    def publish(self):
        """Write the snapshot. The same records are computed once for all tests."""
        settings = self.settings
        settings.state.mkdir(parents=True, exist_ok=True)
        records = repr(
            (
                *(self.deals, self.items, self.targets, self.minimum, self.last_day),
                *(
                    self.check_failures,
                    self.check_message,
                    self.check_unit,
                    self.factor,
                    self.action_begins,
                    self.names,
                ),
            )
        )
        if records not in PUBLISHED:
            self.build()
            PUBLISHED[records] = settings.warehouse.read_bytes()
        settings.warehouse.write_bytes(PUBLISHED[records])
        self.load()
        settings.warehouse.replace(settings.snapshot)

    def load(self):
        """Extract the present deals. A changed deal ends its version and begins another."""
        self.loads += 1
        moment = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(days=self.loads)
        current = {version[0].id: version for version in self.raw if version[2] is None}
        deals = {deal.id: deal for deal in self.deals}
        for key, version in current.items():
            if deals.get(key) != version[0]:
                version[2] = moment
        self.raw += [[deal, moment, None] for key, deal in deals.items() if key not in current or current[key][2]]
        rows = [
            (deal.id, deal.closed, deal.won, deal.amount, deal.days, deal.rep, deal.region, first, last, None, None)
            for deal, first, last in self.raw
        ]
        rows += [
            (key, None, None, None, None, None, None, moment, None, moment, f"merged into {into}")
            for key, into in self.merged.items()
        ]
        with duckdb.connect(self.settings.warehouse) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(
                "create table raw_crm.deals (id varchar, closed date, won boolean, amount decimal(28, 4), days bigint, "
                "rep varchar, region varchar, _valid_from timestamptz, _valid_to timestamptz, _deleted_at timestamptz, "
                "_deleted_reason varchar)"
            )
            insert(connection, "raw_crm.deals", rows)
            connection.execute("update raw_crm._loaded_files set loaded_at = ?", [moment])

    def build(self):
        settings = self.settings
        settings.warehouse.unlink(missing_ok=True)
        rows = list(self.observations())
        status = self.status(rows)
        with duckdb.connect(settings.warehouse) as connection:
            connection.execute("set timezone = 'America/New_York'")
            for schema in ("core", "kpis", "scorecard", "quality", "raw_crm"):
                connection.execute(f"create schema {schema}")
            if self.names:
                connection.execute("create schema intermediate")
                renamed_rows = ", ".join(f"('{UNIT}', '{field}', '{old}', '{new}')" for field, old, new in self.names)
                connection.execute(
                    "create view intermediate.int_names as select * from (values "
                    f"{renamed_rows}) as names (business_unit, field, spelling, name)"
                )
            listed = ", ".join(f"{column} {TYPES[column]}" for column in COLUMNS)
            connection.execute(f"create table scorecard.kpi_observations ({listed})")
            insert(connection, "scorecard.kpi_observations", [[row[column] for column in COLUMNS] for row in rows])
            connection.execute(
                "create table scorecard.kpi_evidence as select 'mrr' as metric, 'crm' as source_system, 'deals' as "
                "source_object, 'S1' as record_id, 'contract' as role, 'contracts' as evidence_object, 'C 1' as "
                "evidence_id, 'crm/contracts.csv' as evidence_file, 7::bigint as evidence_line"
            )
            connection.execute(
                "create table scorecard.kpi_status (metric varchar, grain varchar, period varchar, period_start date, "
                "period_end date, observed_until date, is_complete boolean, scope varchar, dimension varchar, "
                "member varchar, numerator decimal(38,4), "
                "denominator decimal(38,4), value decimal(38,8), observations bigint, na_reason varchar, "
                "target decimal(38,4), status varchar)"
            )
            insert(connection, "scorecard.kpi_status", status)
            connection.execute(
                "create table scorecard.kpi_targets as select 'won_value' as metric, 'quarter' as grain, "
                "'2017-Q4' as period, "
                "'Hardware' as scope, 'business_unit' as dimension, 'Hardware' as member, "
                f"{self.targets.get(('quarter', '2017-Q4'), 20000)}::decimal(38,4) as target, "
                "'currency' as unit, "
                "'Ann' as owner, date '2017-12-31' as due, null::varchar as parent_kgi, 'plan' as reason, "
                "null::varchar as achievable, 'company/hardware/targets.csv' as source_file, 2::bigint as source_line, "
                "'t1' as source_sha256 union all by name select 'won_value' as metric, 'quarter' as grain, "
                "'2018-Q1' as period, 'Hardware' as scope, 'business_unit' as dimension, 'Hardware' as member, "
                "1 as target"
            )
            connection.execute(
                "create table scorecard.actions as select 'A1' as action_id, 'won_value' as metric, 'Call' as what, "
                "'Ann' as who, $begins::date as from_date, date '2017-12-01' as due, "
                "0.5::decimal(9,4) as progress, 'open' as status, '' as expected_effect, "
                "'Hardware' as scope, 'business_unit' as dimension, 'Hardware' as member, true as sample, "
                "'company/hardware/actions.csv' as source_file, 2::bigint as source_line, 'a1' as source_sha256",
                {"begins": self.action_begins},
            )
            connection.execute(
                "create table scorecard.horizons as select 'Hardware' as business_unit, "
                "unnest(['won_value', 'cycle']) as metric, "
                "date '2016-09-01' as first_day, $last::date as last_day",
                {"last": self.last_day},
            )
            connection.execute(
                "create table quality.check_results as select 'c1' as check_id, 'dbt' as kind, 'amounts' as name, "
                "'crm' as source, "
                "'deals' as object, 'warning' as severity, $failures = 0 as passed, $failures::bigint as failures, "
                "100::bigint as checked, $message as message, 'c' as cure, '{}' as words, "
                "['win_rate', 'elsewhere', 'won_value'] as metrics, "
                "now() as run_at, $unit::varchar as business_unit "
                "union all by name select 'c2' as check_id, ['elsewhere'] as metrics, now() as run_at",
                {"failures": self.check_failures, "message": self.check_message, "unit": self.check_unit},
            )
            connection.execute(
                "create table raw_crm._loaded_files as select 'deals' as object, 'crm/deals.csv' as source_file, "
                "unnest($shas) as source_sha256, 10::bigint as size_bytes, "
                "64::bigint as rows_read, 64::bigint as rows_loaded, "
                "0::bigint as rows_quarantined, now() as loaded_at, '1700000000.1' as _dlt_load_id",
                {"shas": [self.sha("v1"), self.sha("v2")]},
            )

    def write_contract(self, unit=UNIT):
        """Write the contract of the source of the deals, with its business unit."""
        path = self.settings.dbt_project / "models" / "staging" / "crm" / "_sources.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"sources: [{{name: crm, schema: raw_crm, config: {{meta: {{business_unit: {unit}}}}}, "
            "tables: [{name: deals, config: {meta: {primary_key: [id]}}, "
            "columns: [{name: id, data_type: varchar, description: Id.}]}]}]"
        )

    def close(self, period="2017-Q4", publish=True, **changes):
        if publish:
            self.publish()
        return close(self.settings, *self.arguments(period, **changes))

    def arguments(self, period, **changes):
        """Return the arguments of `close` after the settings."""
        metrics = {**METRICS, "win_rate": replace(METRICS["win_rate"], minimum_observations=self.minimum)}
        passes = {"won_value": {"sql": "select 1", "metrics": ["won_value"]}}
        build = Build(self.lineage, passes, self.code, FONTS, PRINTED)
        return replace(SCORECARD, **changes), metrics, parse_period(period), build


def insert(connection, table, rows):
    """Insert rows through a table of texts, which is many times faster than one statement for each row."""
    columns = [[None if value is None else str(value) for value in column] for column in zip(*rows, strict=True)]
    texts = pa.table([pa.array(column, pa.string()) for column in columns], [f"c{n}" for n in range(len(columns))])
    connection.register("texts", texts)
    connection.execute(f"insert into {table} select * from texts")
    connection.unregister("texts")


def figure(entry, period, until, scope, dimension, member, group, minimum, targets):
    count = len(group)
    numbers = [row["numerator"] for row in group]
    missing = any(number is None for number in numbers)
    n = sum((number for number in numbers if number is not None), Decimal(0))
    d = sum((row["denominator"] for row in group), Decimal(0))
    value, reason = None, None
    if missing:
        reason = "missing_inputs"
    elif count == 0:
        value, reason = (Decimal(0), None) if entry.aggregate in ("sum", "last") else (None, "no_observations")
    elif count < minimum:
        reason = "too_few_observations"
    elif entry.aggregate in ("sum", "last"):
        value = n
    elif entry.aggregate in ("median", "percentile_90"):
        value = quantile(numbers, Decimal("0.5") if entry.aggregate == "median" else Decimal("0.9"))
    elif d == 0:
        reason = "no_denominator"
    else:
        value = n / d
    value = None if value is None else value.quantize(Decimal("1e-8"), ROUND_HALF_UP)
    target = targets.get((period.grain.value, period.label)) if entry.name == "won_value" else None
    status = "na" if None in (value, target) else "ahead" if value >= target else "off_track"
    return (
        *(
            entry.name,
            period.grain.value,
            period.label,
            period.start,
            period.end,
            until,
            until >= period.end,
            scope,
            dimension,
            member,
        ),
        *(n if count else None, d if count else None, value, count, reason, target, status),
    )


def growth(now, before, has_before):
    """Compute the growth of a figure from the one before it. December 2017 counts as a partial period."""
    n, count = (before[10] or Decimal(0), before[13]) if before else (Decimal(0), 0)
    numerator, denominator = (now[10] or Decimal(0)) - n, abs(n)
    reason = None
    if not has_before:
        reason = "no_history"
    elif now[2] == "2017-12" or not now[6]:
        reason = "partial_period"
    else:
        reason = now[14] or (before and before[14]) or ("no_denominator" if denominator == 0 else None)
    value = None if reason else (numerator / denominator).quantize(Decimal("1e-8"), ROUND_HALF_UP)
    return ("growth", *now[1:10], numerator, denominator, value, now[13] + count, reason, None, "na")


def attainment(now, target):
    value = None if now[14] else (now[10] / target).quantize(Decimal("1e-8"), ROUND_HALF_UP)
    return ("attainment", *now[1:10], now[10], target, value, now[13] + 1, now[14], None, "na")


def quantile(numbers, share):
    ordered = sorted(numbers)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def make_world(folder):
    (folder / "project").mkdir()
    shutil.copy(SETTINGS_FILE, folder / "project")
    settings = Settings(
        **{"owner_email": "owner@example.com", "mail_from": "scorecard@example.com", "data": folder / "data"},
        **{"state": folder / "it's var", "out": folder / "out", "project": folder / "project"},
    )
    (folder / "data" / "crm").mkdir(parents=True)
    (folder / "data" / "crm" / "deals.csv").write_bytes(b"v1")
    shutil.copytree(PROJECT / "dbt_project" / "dimensions", settings.dbt_project / "dimensions")
    world = World(settings)
    world.write_contract()
    return world


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path)


@pytest.fixture(scope="session")
def three_closes(tmp_path_factory):
    world = make_world(tmp_path_factory.mktemp("three"))
    world.publish()
    return world, [world.close(period, publish=False) for period in ("2017-Q3", "2017-Q4", "2017-12")]


@pytest.fixture
def chain(world, three_closes):
    """Return a world and its closes sales-2017-Q3-e1, sales-2017-Q4-e1, sales-2017-12-e1."""
    made_in, closes = three_closes
    shutil.copytree(made_in.settings.archive, world.settings.archive)
    return world, [replace(made, path=world.settings.archive / made.close_id) for made in closes]


@pytest.fixture
def one_figure():
    """Return the id of a figure of a close."""

    def find(made, name, member=UNIT, dimension="business_unit", period="2017-Q4"):
        ((figure_id,),) = duckdb.sql(
            f"select figure_id from read_parquet('{str(made.path / 'values.parquet').replace(chr(39), chr(39) * 2)}') "
            f"where metric = '{name}' and period = '{period}' and dimension = '{dimension}' "
            f"and member = '{member.replace(chr(39), chr(39) * 2)}'"
        ).fetchall()
        return f"{made.close_id}.{figure_id}"

    return find


@pytest.fixture
def read():
    """Read a Parquet file of a close as dictionaries."""

    def rows(folder: Path, name):
        import pyarrow.parquet as pq

        return pq.read_table(folder / name).to_pylist()

    return rows
