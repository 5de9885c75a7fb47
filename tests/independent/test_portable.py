"""The models are SQL that DuckDB and Spark both run; what they write differently is in macros/portable."""

import json
import re
import shutil
from pathlib import Path

import pytest

from scorecard.plugins import services
from tests.conftest import PROJECT, Sandbox, sandbox_at
from tests.independent.portability import STAND_IN, constructs

MACROS = PROJECT / "dbt_project" / "macros" / "portable"


def stand_ins() -> str:
    """Return macros in place of an engine's: each gives a call that names the macro and has its arguments."""
    names = re.findall(r"\{% macro (\w+)\(", (MACROS / "portable.sql").read_text(encoding="utf-8"))
    macro = (
        "{{% macro duckdb__{name}() %}}{{% set arguments = [] %}}"
        "{{% for argument in varargs %}}{{% set is_one = argument is string or argument is number %}}"
        "{{% do arguments.append(argument if is_one else argument | join(', ')) %}}{{% endfor %}}"
        "{call}{{% endmacro %}}"
    )
    call = STAND_IN + "{name}({{{{ arguments | join(', ') }}}})"
    return "\n".join(macro.format(name=name, call=call.format(name=name)) for name in names)


@pytest.fixture(scope="module")
def compiled_with_stand_ins(built: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with an account of every service, compiled with the stand-ins in place of DuckDB's macros."""
    root = tmp_path_factory.mktemp("portable")
    project = root / "dbt_project"
    shutil.copytree(PROJECT / "dbt_project", project)
    (project / "macros" / "portable" / "duckdb.sql").write_text(stand_ins(), encoding="utf-8")
    for name in ("company", "expectations", "reports", "data", "scorecard.example.toml", "pyproject.toml"):
        (root / name).symlink_to(PROJECT / name)
    sandbox = sandbox_at(root, project=root)
    sandbox.settings.state.mkdir()
    for path in (built.settings.warehouse, built.settings.state / "plan.json"):
        shutil.copy(path, sandbox.settings.state)
    unit = {"business_unit": "Unit", "currency": "EUR"}
    sandbox.env["SCORECARD_SERVICES"] = json.dumps({name: unit for name in services() if name != "sql"})
    done = sandbox.run("dbt", "compile", "--select", "resource_type:model", check=False)
    assert done.returncode == 0, done.stdout
    return sandbox.settings.state / "dbt" / "compiled" / "scorecard" / "models"


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("select * exclude (a) from t", "a star with exclude, replace or rename"),
        ("select * from t union all by name select * from u", "union by name"),
        ("with recursive t as (select 1 as a) select a from t", "a recursive CTE"),
        ("with t as (with t as (select 1 as a) select a from t) select a from t", "a CTE inside one of its name"),
        ("select a + 1 as b from t where b > 2", "a condition on a column of the same select"),
        ("select a at time zone 'UTC' as b from t", "AtTimeZone"),
        ("select a + interval 1 month as b from t", "Interval"),
        ("select a / b as c from t", "Div"),
        ("select a // b as c from t", "IntDiv"),
        ("select [1, 2] as a from t", "Array"),
        ("select a[1] as b from t", "Bracket"),
        ("select list(a order by b) as c from t", "list"),
        ("select strftime(a, '%V') as b from t", "strftime"),
        ("select unnest(a) as b from t", "unnest"),
        ("select quantile_cont(a, 0.5) as b from t", "quantile_cont"),
        ("select a from t, lateral (select t.a + 1 as b) as u", "Lateral"),
        ("select a::varchar as b from t", "varchar"),
        ("select cast(a as timestamptz) as b from t", "timestamptz"),
        ("select try_cast(a + (b) as hugeint) as b from t", "hugeint"),
        ("select regexp_extract(a, '\\d', 0) as b from t", "a backslash in a text"),
    ],
)
def test_what_does_not_port_is_named(sql: str, name: str) -> None:
    assert name in {construct.name for construct in constructs(sql)}


def test_what_ports_is_not_named() -> None:
    sql = """
    with t (a, b) as (values (1, 'x'), (2, null)),
    u as (
        select a, sum(b::decimal(30, 8)) filter (where a > 1) as c, cast(a as string) as d, portable_local_day(a) as e
        from t cross join portable_days_from(a, b) as v (day)
        group by grouping sets ((a), (a, b))
    )
    select u.*, lag(c) over w as f, case when c in (1, 2) then -c end as g from u
    anti join t on u.a = t.a window w as (partition by a order by c)
    """
    assert not [str(construct) for construct in constructs(sql)]


def test_models_are_portable(compiled_with_stand_ins: Path) -> None:
    paths = [path for path in compiled_with_stand_ins.rglob("*.sql") if path.parent.suffix != ".yml"]
    paths = [path for path in paths if path.parent.name != "scorecard"]
    assert len(paths) > 50
    wrong = [f"{path.stem}: {construct}" for path in sorted(paths) for construct in constructs(path.read_text())]
    assert not wrong, "\n".join(dict.fromkeys(wrong))
