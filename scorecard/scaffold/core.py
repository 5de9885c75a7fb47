"""The SQL and the YAML of a fact that `scorecard new fact` writes."""

from dataclasses import dataclass

from scorecard.scaffold.money import CURRENCY, Money
from scorecard.scaffold.writing import columns_yaml, comment, quoted, words

Listed = tuple[str, str, str]
"""A column of a model: its name, its type and its description."""

PROVENANCE: tuple[Listed, ...] = (
    ("source_system", "varchar", "Source that the record came from."),
    ("source_object", "varchar", "Object of the source."),
    ("record_id", "varchar", "The record's id in its source."),
    ("source_file", "varchar", "File that brought the row, relative to the data folder."),
    ("source_line", "bigint", "Line of that file at which the record begins, from 1."),
    ("source_sha256", "varchar", "Hash of that version of the file."),
    ("loaded_at", "timestamptz", "Moment of the load that brought this version of the record."),
)
UNIT: Listed = ("business_unit", "varchar", "Business unit of the group, as the source declares it.")
_AMOUNT = "decimal(30,8)"
_RATE: tuple[Listed, ...] = (
    ("rate_on", "date", "Day of whose rate its money is."),
    ("rate", "decimal(14,8)", "Units of the reporting currency for one unit of the currency."),
)
_OUTCOMES = ("outcome", "result", "status", "state")


@dataclass(frozen=True)
class NewFact:
    """A fact to be written.

    `name`: of one record. `columns`: those of its concept, but for the unit and the provenance. `dimensions`: columns
    that break figures down. `day`: the column of the day that puts a record in a period.
    """

    name: str
    concept: str
    columns: tuple[Listed, ...]
    dimensions: tuple[str, ...]
    day: str
    money: Money


def core_sql(fact: NewFact) -> str:
    """Return the SQL of a fact: a row for every record of its concept."""
    lines = [
        f"source_system || ':' || record_id as {fact.name}_key",
        "business_unit",
        *(_selected(fact, column) for column, _, _ in fact.columns),
        *([f"{fact.day} as rate_on", "rate"] if fact.money.amounts else []),
        *(column for column, _, _ in PROVENANCE),
    ]
    text = ",\n".join(f"    {line}" for line in lines)
    head = [f"-- One row per {words(fact.name).lower()}. Written by `scorecard new fact`: change what is not so."]
    head += [line for note in fact.money.notes for line in comment(f"To do: {note}")]
    if not fact.money.amounts:
        return "\n".join([*head, "select", text, f"from {{{{ ref('int_{fact.concept}') }}}}", ""])
    amounts = ", ".join(fact.money.amounts)
    head += comment(f"Money in the reporting currency at the rate of {fact.day}: {amounts}.")
    return "\n".join([*head, *_converted(fact), "", "select", text, "from converted", ""])


def _selected(fact: NewFact, column: str) -> str:
    if column in fact.money.amounts:
        return f"(try_cast({column} as decimal(24, 8)) * rate)::decimal(30, 8) as {column}"
    return f"coalesce({column}, 'unknown') as {column}" if column in fact.dimensions else column


def _converted(fact: NewFact) -> list[str]:
    """Return the lines that give each record the rate of its currency and day."""
    rate = f"case when record.{CURRENCY} = '{{{{ var(\"currency\") }}}}' then 1 else fx.rate end"
    return [
        "with converted as (",
        "    select",
        "        record.*,",
        f"        ({rate})::decimal(14, 8) as rate",
        f"    from {{{{ ref('int_{fact.concept}') }}}} as record",
        "    left join {{ ref('core_fx_rate') }} as fx",
        f"        on record.{CURRENCY} = fx.currency and record.{fact.day} = fx.rate_on",
        ")",
    ]


def core_yaml(fact: NewFact) -> str:
    """Return the YAML of a fact: what it is, its columns, and unit tests of what its SQL does."""
    columns = [UNIT, *(_listed(fact, column) for column in fact.columns)]
    columns += [*(_RATE if fact.money.amounts else ()), *PROVENANCE]
    key = f"{words(fact.name)}, unique over all source systems."
    money = " Money in the reporting currency." if fact.money.amounts else ""
    tests = [*_test_of_unknown(fact), *_test_of_money(fact)]
    lines = [
        "models:",
        f"  - name: core_{fact.name}",
        f"    description: One row per {words(fact.name).lower()}.{money}",
        "    config:",
        "      meta:",
        *(f"        {line}" for line in _meta(fact)),
        "    columns:",
        f"      - {{name: {fact.name}_key, data_type: varchar, description: {quoted(key)},"
        " data_tests: [unique, not_null]}",
        *columns_yaml(columns).splitlines(),
        *(["", "unit_tests:", *tests] if tests else []),
    ]
    return "\n".join([*lines, ""])


def _meta(fact: NewFact) -> list[str]:
    """Return the lines with which a fact declares itself."""
    lines = [
        f"concept: {fact.concept}",
        "# Days on which something happened to a record. To do: add others that the record has, in their order.",
        f"horizon: [{fact.day}]",
        f"moment: {fact.day}",
    ]
    if fact.money.amounts:
        lines += [
            "# Records that need a rate of exchange: those that have this day. To do: if only some of them do, name a",
            "# column that is true or filled in of these, as is_paid.",
            f"needs_rate: {fact.day}",
        ]
    if outcome := next((column for column in fact.dimensions if column in _OUTCOMES), None):
        lines += ["# How a record ended: if all end alike, a check says so.", f"outcome: {outcome}"]
    return lines


def _listed(fact: NewFact, listed: Listed) -> Listed:
    column, kind, _ = listed
    if column in fact.money.amounts:
        return column, _AMOUNT, f"{words(column)} in the reporting currency."
    if column in fact.dimensions:
        return column, kind, f"{words(column)}; 'unknown' where the source doesn't say."
    return listed


def _test_of_unknown(fact: NewFact) -> list[str]:
    if not fact.dimensions:
        return []
    first = fact.dimensions[0]
    rates = ", {input: ref('core_fx_rate'), rows: []}" if fact.money.amounts else ""
    given = f"{{input: ref('int_{fact.concept}'), rows: [{{source_system: desk, record_id: a, {first}: null}}]}}{rates}"
    return [
        f"  - name: core_{fact.name}_without_{first}_is_of_an_unknown_one",
        f"    description: A record without {first} counts, as that of an unknown one.",
        f"    model: core_{fact.name}",
        f"    given: [{given}]",
        f'    expect: {{rows: [{{{fact.name}_key: "desk:a", {first}: unknown}}]}}',
    ]


def _test_of_money(fact: NewFact) -> list[str]:
    if not fact.money.amounts:
        return []
    ones, more, none = (", ".join(f"{name}: {value}" for name in fact.money.amounts) for value in ("1", "1.25", "null"))
    of_day = f"{fact.day}: 2024-01-02, {ones}"
    return [
        f"  - name: core_{fact.name}_is_converted_at_the_rate_of_{fact.day}",
        "    description: Without a rate of that day there is no amount, not a silent 1.0.",
        f"    model: core_{fact.name}",
        "    overrides: {vars: {currency: USD}}",
        "    given:",
        f"      - input: ref('int_{fact.concept}')",
        "        rows:",
        *(
            f"          - {{source_system: desk, record_id: {record}, {CURRENCY}: {code}, {of_day}}}"
            for record, code in (("a", "USD"), ("b", "EUR"), ("c", "JPY"))
        ),
        "      - input: ref('core_fx_rate')",
        "        rows:",
        "          - {currency: EUR, rate_on: 2024-01-02, rate: 1.25}",
        "          - {currency: JPY, rate_on: 2024-01-01, rate: 2}",
        "    expect:",
        "      rows:",
        f'        - {{{fact.name}_key: "desk:a", rate_on: 2024-01-02, rate: 1, {ones}}}',
        f'        - {{{fact.name}_key: "desk:b", rate_on: 2024-01-02, rate: 1.25, {more}}}',
        f'        - {{{fact.name}_key: "desk:c", rate_on: 2024-01-02, rate: null, {none}}}',
    ]
