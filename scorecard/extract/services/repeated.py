"""Records of a service whose key repeats at one moment."""

from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import ObjectContract, RecordShape
from scorecard.extract.raw.validate import has_key, key_text
from scorecard.shared.sql import quoted

if TYPE_CHECKING:
    import duckdb


def mark_repeated(
    db: "duckdb.DuckDBPyConnection", table: str, contract: ObjectContract, shape: RecordShape, names: str
) -> None:
    """Write into `_reason` of `<table>_typed` which records go to quarantine because their key repeats.

    If records with one key differ at one moment, all of them do; if they are equal, all but the first. A key that
    comes again in another response, or with another time of change, is another version of the record.

    Parameters
    ----------
    names: the columns of a record in SQL, separated by commas.
    """
    moment = [] if shape.one_moment else ["_page", *([quoted(shape.modified)] if shape.modified else [])]
    group = ", ".join([*map(quoted, contract.primary_key), *moment])
    is_there = f"{has_key(contract)} and _deleted_at is null"
    judged = f"{table}_typed"
    if not db.execute(
        f"select 1 from {judged} where {is_there} group by {group} having count(*) > 1 limit 1"
    ).fetchone():
        return
    # Equal records within a response are no error: one of them is kept.
    is_repeat = "_number > 1" if shape.one_moment else "false"
    named = f"'the key {', '.join(contract.primary_key)} = ' || _key"
    db.execute(f"""
        update {judged} as judged set _reason = concat_ws('; ', judged._reason, repeated._said)
        from (
            select _row, case
                when _variants > 1 then {named} || ' stands for ' || _times || ' records that differ'
                when {is_repeat} then {named} || ' comes ' || _times || ' times with equal records, and is kept once'
                end as _said
            from (
                select _row, {key_text(contract)} as _key, count(*) over same as _times,
                    count(distinct row({names})) over same as _variants,
                    row_number() over (partition by {group} order by _row) as _number
                from {judged} where {is_there}
                window same as (partition by {group})
                qualify _times > 1
            )
        ) as repeated
        where judged._row = repeated._row and repeated._said is not null
    """)
