"""Values of rows and cursors."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from scorecard.extract.services.sql.settings import NUMBERS_AGAIN


def now(db: sa.Connection) -> datetime:
    """Return the time of the transaction, by the database's clock."""
    moment: datetime = db.execute(sa.select(sa.func.now())).scalar_one()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def value_of(text: Any, data_type: str) -> Any:
    """Return a cursor's value out of its text, None where it is no moment or number at all."""
    try:
        if data_type in ("bigint", "integer"):
            return int(text)
        return date.fromisoformat(text) if data_type == "date" else datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def no_later(value: Any, moment: datetime) -> Any:
    """Return a value, or the present if it lies in the future, behind which all that is new would be hidden."""
    if isinstance(value, datetime):
        return min(value, moment if value.tzinfo else moment.replace(tzinfo=None))
    return min(value, moment.date()) if isinstance(value, date) else value


def before(value: Any, seconds: int) -> Any:
    """Return where to read again from, so that what was committed late is read, too."""
    if isinstance(value, int):
        return value - NUMBERS_AGAIN
    # A date has no hours: the whole of the day is read again.
    days = math.ceil(seconds / 86_400)
    return value - (timedelta(seconds=seconds) if isinstance(value, datetime) else timedelta(days=days))


def written(row: sa.Row[Any], point: str) -> bytes:
    """Write a row as a JSON record whose values are exact; `point` is what the contract has numbers written with."""
    return msgspec.json.encode({name: _plain(value, point) for name, value in row._mapping.items()})


def _plain(value: Any, point: str) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return str(value).replace(".", point)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | dict | tuple):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return str(value)
