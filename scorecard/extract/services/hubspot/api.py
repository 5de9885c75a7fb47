"""Requests for lists, batches and associations of HubSpot's records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from scorecard.extract.services.http import Http
from scorecard.extract.services.hubspot import settings as fixed
from scorecard.extract.services.hubspot.records import AssociationPage, ListPage, RecordHead, in_order, listed
from scorecard.extract.services.response import ServiceResponse
from scorecard.shared.errors import ScorecardError


@dataclass(frozen=True)
class RecordSelection:
    """What is asked for of an object's records; those last changed before ``start`` are left out, None: none are."""

    kind: str
    properties: tuple[str, ...]
    start: date | None = None

    def wants(self, record: RecordHead) -> bool:
        """Whether a record is wanted: it was changed since the start, or holds on, as an open deal does."""
        is_open = self.kind == "deals" and record.properties.hs_is_closed != "true"
        return self.start is None or is_open or record.updated_at.date() >= self.start

    @property
    def history(self) -> tuple[str, ...]:
        """Properties of which all values are asked for."""
        return fixed.HISTORY.get(self.kind, ())

    @property
    def associations(self) -> tuple[str, ...]:
        """Objects that the records may be associated with."""
        return fixed.ASSOCIATIONS.get(self.kind, ())

    @property
    def modified(self) -> str:
        """The property that says when a record was changed."""
        return fixed.MODIFIED.get(self.kind, fixed.OTHERS_MODIFIED)

    @property
    def fits_address(self) -> bool:
        """Whether a list can be asked for all the properties."""
        return len(",".join(self.properties)) <= fixed.LONGEST_QUERY


@dataclass
class HubSpotApi:
    """The account, a request at a time."""

    name: str
    http: Http
    page_size: int

    def lists(
        self, selection: RecordSelection, after: str = "", archived: bool = False
    ) -> Iterator[tuple[ServiceResponse, list[msgspec.Raw], str]]:
        """Yield the pages of a list."""
        most = fixed.PAGE_WITH_HISTORY if selection.history and not archived else fixed.PAGE
        params: dict[str, Any] = {"limit": min(self.page_size, most)}
        if archived:
            params |= {"archived": "true"}
        elif selection.fits_address:
            params |= {"properties": ",".join(selection.properties)}
            params |= {"propertiesWithHistory": ",".join(selection.history)} if selection.history else {}
        if not archived and selection.associations:
            params |= {"associations": ",".join(selection.associations)}
        yield from self.follow(f"{fixed.OBJECTS}/{selection.kind}", params, after)

    def follow(
        self, path: str, params: dict[str, Any], after: str = ""
    ) -> Iterator[tuple[ServiceResponse, list[msgspec.Raw], str]]:
        """Yield answers, their records and where the next one begins, "" after the last."""
        seen = {after}
        while True:
            answer = self.http.get(path, {**params, **({"after": after} if after else {})})
            page = answer.decode(ListPage)
            after = page.after
            if after and after in seen:
                raise self.repeated(path, after)
            seen.add(after)
            yield answer, page.results, after
            if not after:
                return

    def repeated(self, what: str, after: str) -> ScorecardError:
        """Say that reading on would not end."""
        return ScorecardError(
            f"{self.name} names the same next page of {what} twice, {after!r}.",
            "Run again: what was read before is kept.",
        )

    def batch(self, selection: RecordSelection, ids: list[str]) -> tuple[ServiceResponse, list[msgspec.Raw]]:
        """Read some records with all that is asked for."""
        body = {
            "inputs": [{"id": record_id} for record_id in ids],
            "properties": selection.properties,
            "propertiesWithHistory": selection.history,
        }
        answer = self.http.post(f"{fixed.OBJECTS}/{selection.kind}/batch/read", body)
        return answer, self._batch(selection.kind, answer).results

    def _batch(self, kind: str, answer: ServiceResponse) -> ListPage:
        """Return what a batch found. Who was archived or merged a moment ago is not in it, and told of elsewhere."""
        page = answer.decode(ListPage)
        for error in page.errors:
            if error.get("category") != "OBJECT_NOT_FOUND":
                raise ScorecardError(
                    f"HubSpot could not read a batch of {kind}: {error.get('category', 'it gave no reason')}.",
                    "Run again: what was read before is kept.",
                )
        return page

    def links(
        self, selection: RecordSelection, records: list[RecordHead], inline: bool
    ) -> dict[str, dict[str, list[str]]]:
        """Return the ids that each record is associated with; what the answer holds only in part is asked for."""
        links: dict[str, dict[str, list[str]]] = {record.id: {} for record in records}
        for to in selection.associations:
            missing = []
            for record in records:
                linked = record.associations.get(to)
                if not inline or (linked and linked.paging):
                    missing.append(record.id)
                else:
                    links[record.id][to] = listed(selection.kind, to, linked) if linked else []
            for record_id, ids in self._associated(selection.kind, to, missing).items():
                links[record_id][to] = ids
        return links

    def _associated(self, kind: str, to: str, ids: list[str]) -> dict[str, list[str]]:
        """Ask for the associations of some records."""
        links: dict[str, list[tuple[str, bool]]] = {record_id: [] for record_id in ids}
        inputs = [{"id": record_id} for record_id in ids]
        while inputs:
            now, inputs = inputs[: fixed.ASSOCIATIONS_BATCH], inputs[fixed.ASSOCIATIONS_BATCH :]
            page = self._batch(kind, self.http.post(f"{fixed.ASSOCIATED}/{kind}/{to}/batch/read", {"inputs": now}))
            for raw in page.results:
                association = msgspec.json.decode(raw, type=AssociationPage)
                record_id = association.source.id
                links[record_id] += [(str(target.id), target.is_primary) for target in association.to]
                if association.after:
                    following = {"id": record_id, "after": association.after}
                    if following in now:
                        raise self.repeated(f"{to} of {kind} {record_id}", association.after)
                    inputs.append(following)
        return {record_id: in_order(targets) for record_id, targets in links.items()}
