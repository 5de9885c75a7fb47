"""Pages of Zendesk's lists and exports, and what has to be known of their records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from scorecard.extract.services.response import ServiceResponse


class SurveyAnswer(msgspec.Struct):
    """An answer to a question of a survey; a survey's response says in no other place when it was given."""

    created_at: datetime | None = None


class RecordHead(msgspec.Struct):
    """What of a record decides how it is read."""

    id: int | str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    answers: list[SurveyAnswer] = []

    @property
    def created(self) -> int:
        """When it was created, or else first answered, in Unix seconds; 0 where it doesn't say."""
        moments = [self.created_at, *(answer.created_at for answer in self.answers)]
        return min((unix(at) for at in moments if at), default=0)

    @property
    def updated(self) -> int:
        """When it was changed last, in Unix seconds; 0 where it doesn't say."""
        return unix(self.updated_at) if self.updated_at else 0


class ListMeta(msgspec.Struct):
    """Where a list goes on."""

    has_more: bool
    after_cursor: str | None = None


@dataclass(frozen=True)
class ListPage:
    """A page of a list; the records are left as they came. ``after`` is None on the last one."""

    answer: ServiceResponse
    records: Sequence[bytes]
    heads: Sequence[RecordHead]
    after: str | None

    @property
    def newest(self) -> int:
        """When the newest of the records was created, in Unix seconds; 0 where there is none."""
        return max((head.created for head in self.heads), default=0)


class ExportPosition(msgspec.Struct):
    """Where an export goes on: by cursor, or by time in Unix seconds."""

    end_of_stream: bool
    after_cursor: str | None = None
    end_time: int | None = None


def records_of(answer: ServiceResponse, name: str) -> list[msgspec.Raw]:
    """Return the records of a page as they came."""
    top = answer.decode(dict[str, msgspec.Raw])
    return msgspec.json.decode(top[name], type=list[msgspec.Raw])


def export_of(answer: ServiceResponse) -> ExportPosition:
    """Return where an export goes on."""
    return answer.decode(ExportPosition)


def listed(answer: ServiceResponse, name: str) -> ListPage:
    """Take a page of a list apart."""
    top = answer.decode(dict[str, msgspec.Raw])
    meta = msgspec.json.decode(top["meta"], type=ListMeta)
    records = msgspec.json.decode(top[name], type=list[msgspec.Raw])
    heads = [msgspec.json.decode(record, type=RecordHead) for record in records]
    return ListPage(answer, records, heads, meta.after_cursor if meta.has_more else None)


def unix(at: datetime) -> int:
    """Return a moment in whole Unix seconds."""
    return int(at.timestamp())


def moment(text: str) -> datetime:
    """Read a moment of a cursor."""
    return datetime.fromisoformat(text).astimezone(UTC)
