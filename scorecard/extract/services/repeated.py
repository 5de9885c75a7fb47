"""Records of a service whose key comes more than once where each record comes once."""

from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import ObjectContract
from scorecard.extract.contracts.record_shape import RecordShape
from scorecard.extract.raw.validate import has_key, key_text
from scorecard.shared.sql import quoted

if TYPE_CHECKING:
    import duckdb


def mark_repeated(
    db: "duckdb.DuckDBPyConnection", table: str, contract: ObjectContract, shape: RecordShape, names: str
) -> None:
    """Write into `_reason` of `<table>_judged` which records go to quarantine because their key repeats.

    All whose key stands for records that differ at one moment; where they are equal, all but the first. A key that
    comes again in another answer of a service, or with another time of change, stands for another version.

    Parameters
    ----------
    names: the columns of a record in SQL, parted by commas.
    """
    moment = [] if shape.one_moment else ["_page", *([quoted(shape.modified)] if shape.modified else [])]
    group = ", ".join([*map(quoted, contract.primary_key), *moment])
    is_there = f"{has_key(contract)} and _deleted_at is null"
    judged = f"{table}_judged"
    if not db.execute(
        f"select 1 from {judged} where {is_there} group by {group} having count(*) > 1 limit 1"
    ).fetchone():
        return
    # Equal records within an answer of a service are no fault of anybody's: they are kept once, and nothing is lost.
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
