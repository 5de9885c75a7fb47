"""Zendesk: changes and deletes by its exports, other deletes by comparing ids."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import msgspec

from scorecard.extract.contracts.contract import ObjectContract, RecordShape, first_day
from scorecard.extract.services.drift import lacking
from scorecard.extract.services.response import (
    RefusedRequest,
    ServiceResponse,
    explain_unreadable,
    note_next_page,
)
from scorecard.extract.services.service import ServicePage, is_comparison_due, page_of
from scorecard.extract.services.zendesk import settings as fixed
from scorecard.extract.services.zendesk.api import (
    ExportPosition,
    ListPage,
    RecordHead,
    connect,
    current_user,
    list_pages,
    path_of,
    records_of,
    unix,
)
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings


class Zendesk:
    """One account, as the extraction reads it.

    A cursor is ``{"reconciled_at": …}`` and, of an export by cursor, ``cursor`` (until there is one, ``start_time``);
    of an export by time, ``start_time``; of ratings and survey responses, ``since``, and while their list is read
    ``after`` and ``newest``.
    """

    speaks_http = True

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        self.name, self.own = name, own
        self.http = connect(name, connection)
        self.export_page = min(own.page_size or fixed.EXPORT_PAGE, fixed.EXPORT_PAGE)
        self.list_page = min(own.page_size or fixed.LIST_PAGE, fixed.LIST_PAGE)
        self._starts: dict[str, int] = {}
        self._absent: set[str] = set()
        # The first request: without a valid user, Zendesk treats some requests as a visitor's.
        self.begun, self._user = current_user(self.http)

    def who(self) -> str:
        """Return whose credentials these are."""
        return f"{self._user.name} <{self._user.email}>, {self._user.role}"

    def clock(self) -> datetime | None:
        """Return the time by the service's own clock."""
        return self.http.clock

    def shape(self, name: str) -> RecordShape:
        """Return the fields of deletes. Zendesk doesn't name the record that another was merged into."""
        return fixed.SHAPES.get(name, RecordShape())

    def check(self, contract: ObjectContract) -> None:
        """Fail if the user can't read the object, or if a declared metric is missing.

        Other fields are checked when records are read.
        """
        name = contract.object
        if name not in fixed.SHAPES:
            raise ScorecardError(
                f"The connector of Zendesk reads no {name}.",
                f"Correct config.meta.object of {contract.name} in {contract.declared_in}; there are:"
                f" {', '.join(fixed.SHAPES)}.",
            )
        with explain_unreadable(
            f"Zendesk has no {name} that the user of the connection scorecard_{self.name} may read.",
            "Make the user an admin, which exports and ratings need (an OAuth token also needs the scope read), or"
            f" leave it out of `objects` of the service {self.name} in the settings.",
        ):
            self._sample_survey(name) if name in fixed.SATISFACTION else self._sample(name)
            metrics = self._newest_metrics() if name == fixed.TICKETS else None
        # A ticket may have no metrics, so their absence in records proves nothing.
        if metrics is not None and (gone := [column for column in contract.columns if _lacks(metrics, column.header)]):
            raise lacking(contract, gone)

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[ServicePage]:
        """Yield what has changed since the cursor, then, from time to time, all that there are with their ids."""
        first = first_day(self.own.start_date, contracts)
        self._starts[name] = unix(datetime.combine(first, time(), UTC)) if first else 0
        reached = dict(cursor or {})
        now = self.begun.served_at
        reached.setdefault("reconciled_at", now.isoformat())
        compare = again or is_comparison_due(self.own, reached, now)
        if name in self._absent:
            yield page_of(self.begun, cursor=dict(reached))
        elif name == fixed.GROUPS or (name in fixed.SATISFACTION and compare):
            yield from self._all(name, reached)
        elif name in fixed.SATISFACTION:
            yield from self._recent(name, reached)
        elif name in fixed.BY_TIME:
            yield from self._by_time(name, reached)
        else:
            yield from self._by_cursor(name, reached)
        # No list has all tickets, but the export includes deleted ones.
        if compare and name in (fixed.USERS, fixed.ORGANIZATIONS):
            yield from self._all(name, reached)

    def _sample(self, name: str) -> ServiceResponse:
        """Read one record in the way in which all are read."""
        if name in fixed.BY_CURSOR:
            return self.http.get(f"incremental/{name}/cursor.json", {"start_time": 0, "per_page": 1})
        if name in fixed.BY_TIME:
            return self.http.get(f"incremental/{name}.json", {"start_time": 0, "per_page": 1})
        return self.http.get(path_of(name), {"page[size]": 1})

    def _sample_survey(self, name: str) -> None:
        """Read one survey answer; an account without this generation of the survey must have the other."""
        try:
            self._sample(name)
        except RefusedRequest as error:
            if not error.is_unreadable:
                raise
            (other,) = (survey for survey in fixed.SATISFACTION if survey != name)
            self._sample(other)
            self._absent.add(name)

    def _newest_metrics(self) -> dict[str, Any] | None:
        """Return the metrics of the newest ticket, which are as those in the export."""
        metrics = records_of(self.http.get("ticket_metrics.json", {"page[size]": 1}), "ticket_metrics")
        return msgspec.json.decode(metrics[0], type=dict[str, Any]) if metrics else None

    def _by_cursor(self, name: str, reached: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield an export by cursor; the next run resumes at its last cursor, and reads the minute that it leaves out.

        An empty export has no cursor.
        """
        reached.setdefault("start_time", self._starts[name])
        if "cursor" not in reached and self._is_too_recent(reached["start_time"]):
            yield page_of(self.begun, cursor=dict(reached))
            return
        include = {"include": "metric_sets"} if name == fixed.TICKETS else {}
        seen: set[str | None] = {reached.get("cursor")}
        while True:
            where = {key: reached[key] for key in ("cursor", "start_time") if key in reached}
            response = self.http.get(
                f"incremental/{name}/cursor.json", {**where, **include, "per_page": self.export_page}
            )
            page = response.decode(ExportPosition)
            if not page.end_of_stream:
                note_next_page(self.name, name, page.after_cursor, seen)
            if page.after_cursor:
                reached["cursor"] = page.after_cursor
                reached.pop("start_time", None)
            yield page_of(response, records_of(response, name), cursor=dict(reached))
            if page.end_of_stream:
                return

    def _by_time(self, name: str, reached: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield an export by time: each page begins with the second that the one before ended in."""
        if "start_time" in reached:
            start = max(0, reached["start_time"] - self.own.overlap_seconds)
        else:
            start = reached["start_time"] = self._starts[name]
        if self._is_too_recent(start):
            yield page_of(self.begun, cursor=dict(reached))
            return
        size = self.export_page
        while True:
            response = self.http.get(f"incremental/{name}.json", {"start_time": start, "per_page": size})
            page = response.decode(ExportPosition)
            end = page.end_time or 0
            if end <= start and not page.end_of_stream:
                if size == fixed.EXPORT_PAGE:
                    raise _stands_still(self.name, name, start)
                size = fixed.EXPORT_PAGE
                continue
            reached["start_time"] = max(reached["start_time"], end)
            yield page_of(response, records_of(response, name), cursor=dict(reached))
            if page.end_of_stream:
                return
            start = end

    def _recent(self, name: str, reached: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield a list by creation time, from as far back as earlier records may still change."""
        back = max(fixed.RATING_MAY_CHANGE, self.own.overlap_seconds)
        start = max(self._starts[name], reached.get("since", 0) - back)
        for page in self._list(name, _since(name, start), reached.get("after")):
            newest = max(reached.get("newest", 0), page.newest)
            if page.after is None:
                self._end_of_list(reached, newest or start)
            else:
                reached |= {"after": page.after, "newest": newest}
            yield page_of(page.response, page.records, cursor=dict(reached))

    def _all(self, name: str, reached: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield all records with their ids: one that the warehouse has and the list lacks was deleted.

        There is no checkpoint in the middle.
        """
        newest = 0
        for page in self._list(name, {}):
            last = page.after is None
            newest = max(newest, page.newest)
            if last:
                reached["reconciled_at"] = page.response.served_at.isoformat()
                if name in fixed.SATISFACTION:
                    self._end_of_list(reached, newest)
            pairs = zip(page.records, page.heads, strict=True)
            yield page_of(
                page.response,
                [record for record, head in pairs if self._is_wanted(name, head)],
                ids=[str(head.id) for head in page.heads],
                complete_at=page.response.served_at if last else None,
                cursor=dict(reached) if last else None,
            )

    def _is_wanted(self, name: str, head: RecordHead) -> bool:
        """Whether a record is not before the start: by its creation if it is a rating, else by its last change."""
        since = head.created if name in fixed.SATISFACTION else head.updated
        return since >= self._starts[name]

    def _end_of_list(self, reached: dict[str, Any], newest: int) -> None:
        reached["since"] = max(reached.get("since", 0), newest)
        for key in ("after", "newest"):
            reached.pop(key, None)

    def _list(self, name: str, params: dict[str, Any], after: str | None = None) -> Iterator[ListPage]:
        return list_pages(self.http, name, params, self.list_page, after)

    def _is_too_recent(self, start: int) -> bool:
        """Whether a moment is so recent that Zendesk refuses an export from it on."""
        return start > unix(self.begun.served_at) - fixed.LEFT_OUT


def _since(name: str, start: int) -> dict[str, int]:
    """Return the parameters of a list from a moment of creation on: one list counts in milliseconds."""
    return {"filter[created_at_start]": start * 1000} if name == fixed.SURVEYS else {"start_time": start}


def _lacks(metrics: dict[str, Any], header: str) -> bool:
    """Whether a column is one of the metrics and they don't have it."""
    first, *path = header.split(".")
    return first == fixed.METRICS and path[0] not in metrics


def _stands_still(service: str, name: str, start: int) -> ScorecardError:
    moment = datetime.fromtimestamp(start, UTC)
    return ScorecardError(
        f"{service} names the start_time {start} of {name} twice. It is {moment:%Y-%m-%d %H:%M:%S} UTC.",
        f"Run again: what was read before is kept. If it stays so, more than {fixed.EXPORT_PAGE} {name} were written in"
        " that second, and the export can't go beyond it: change some of them in Zendesk, as by a tag, so that they get"
        " other times.",
    )


CONNECTOR = Zendesk
