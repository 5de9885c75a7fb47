"""What a database says of its tables: columns, types and keys."""

import warnings
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc


def reflect(db: sa.Connection, name: str) -> sa.Table | None:
    """Return a table or view with its columns, None where there is none that the user can see."""
    schema, _, table = name.rpartition(".")
    with warnings.catch_warnings():
        # A type that SQLAlchemy doesn't know is read as text.
        warnings.simplefilter("ignore", exc.SAWarning)
        try:
            described = sa.inspect(db).get_columns(table, schema or None)
        except exc.NoSuchTableError:
            return None
    columns = [sa.Column(sa.quoted_name(column["name"], quote=True), column["type"]) for column in described]
    named = sa.quoted_name(table, quote=True)
    return sa.Table(named, sa.MetaData(), *columns, schema=sa.quoted_name(schema, quote=True) if schema else None)


def repeated_keys(db: sa.Connection, table: sa.Table, key: "Sequence[sa.Column[Any]]") -> "sa.Select[Any] | None":
    """Return a query of the keys that several rows share, None where there are none.

    Where a constraint of the database forbids that, the rows are not looked at.
    """
    names = {str(column.name) for column in key}
    inspector = sa.inspect(db)
    try:
        unique = [inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"]]
        unique += [
            constraint["column_names"] for constraint in inspector.get_unique_constraints(table.name, table.schema)
        ]
    except (exc.NoSuchTableError, NotImplementedError):
        # A view has no constraints.
        unique = []
    if any(columns and set(columns) <= names for columns in unique):
        return None
    is_there = [column.is_not(None) for column in key]
    repeated = sa.select(*key).where(*is_there).group_by(*key).having(sa.func.count() > 1)
    return None if db.execute(repeated.limit(1)).first() is None else repeated


def kind_of(column: sa.Column[Any]) -> str:
    """Say what a column holds, in the words of `settings.TYPES`; "text" is all that is read as text."""
    kind = column.type
    if isinstance(kind, sa.DateTime):
        return "timestamp with time zone" if kind.timezone else "timestamp"
    for name, classes in {
        "boolean": (sa.Boolean,),
        "integer": (sa.Integer,),
        "float": (sa.Float,),
        "numeric": (sa.Numeric,),
        "date": (sa.Date,),
        "binary": (sa.LargeBinary,),
    }.items():
        if isinstance(kind, classes):
            return name
    return "text"
