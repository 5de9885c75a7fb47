"""True figures of support, and of what customers say."""

from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.company.truth.window import Metric, Window, middle, ratio
from sandbox.company.world.support import Ticket
from sandbox.company.writers.tables import FileRow

FOLLOWED_WITHIN = timedelta(days=7)
"""Who asks again about the same within this time was not helped at first contact."""


def _tickets(window: Window) -> list[Ticket]:
    return [ticket for ticket in window.world.desk.tickets if ticket.known(window.as_of)]


def _first_response_time(window: Window) -> Decimal | None:
    """In whole minutes, of the tickets of the period that were answered."""
    answered = [ticket for ticket in _tickets(window) if window.holds(ticket.created_at) and ticket.replied_at]
    return middle(
        int((ticket.replied_at[0] - ticket.created_at).total_seconds()) // 60
        for ticket in answered
        if ticket.replied_at[0] <= window.as_of
    )


def _solved_at(window: Window, ticket: Ticket) -> datetime | None:
    """Return when a ticket that is solved was solved for the last time."""
    solved = [at for at in ticket.solved_at if at <= window.as_of]
    reopened = [at for at in ticket.reopened_at if at <= window.as_of]
    return solved[-1] if len(solved) > len(reopened) else None


def _first_contact_resolution(window: Window) -> Decimal | None:
    """Of the tickets solved in the period: by one reply, not opened again, and not asked again within the days."""
    again: dict[tuple[str, str], list[datetime]] = {}
    for ticket in _tickets(window):
        again.setdefault((ticket.requester.id, ticket.topic), []).append(ticket.created_at)
    solved = [(ticket, at) for ticket in _tickets(window) if window.holds(at := _solved_at(window, ticket)) and at]
    good = 0
    for ticket, at in solved:
        requested_at = again[ticket.requester.id, ticket.topic]
        followed = any(at < other <= at + FOLLOWED_WITHIN for other in requested_at)
        good += len(ticket.replied_at) == 1 and not ticket.reopened_at and not followed
    return ratio(good, len(solved))


def _ticket_satisfaction(window: Window) -> Decimal | None:
    """The share of good among the ratings of tickets."""
    rated = [ticket for ticket in _tickets(window) if window.holds(ticket.rated_at)]
    return ratio(sum(ticket.rating == "good" for ticket in rated), len(rated))


def _answers(window: Window) -> list[FileRow]:
    rows = window.files["surveys"]
    return [row for row in rows if row["unit"] == window.unit.name and window.holds(row["answered_at"])]


def _customer_satisfaction(window: Window) -> Decimal | None:
    """The share of the survey's answers that give 4 or 5 of 5."""
    answers = _answers(window)
    return ratio(sum(row["score"] >= 4 for row in answers), len(answers))


def _net_promoter_score(window: Window) -> Decimal | None:
    """Promoters (9 and 10) less detractors (0 to 6), as a share of the answers."""
    scores = [row["recommends"] for row in _answers(window) if row["recommends"] is not None]
    return ratio(sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores), len(scores))


SUPPORT: dict[str, Metric] = {
    "first_response_time": _first_response_time,
    "first_contact_resolution": _first_contact_resolution,
    "ticket_satisfaction": _ticket_satisfaction,
}
SURVEYS: dict[str, Metric] = {
    "customer_satisfaction": _customer_satisfaction,
    "net_promoter_score": _net_promoter_score,
}
