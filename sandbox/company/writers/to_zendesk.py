"""The support of Simulated Cloud, as its Zendesk knows it: ids are numbers."""

from datetime import datetime, timedelta

from sandbox.company.world.plan import Plan
from sandbox.company.world.support import Agent, Desk, Requester, Ticket
from sandbox.company.writers.writing import Change, Writer, iso
from sandbox.standins.record_store import Fields, Store

CLOSES_AFTER = timedelta(days=4)
"""How long after it was solved a ticket is closed for good."""


class ToZendesk:
    """Writes the desk's history into a store."""

    def __init__(self, plan: Plan, desk: Desk, store: Store) -> None:
        self.plan, self.desk = plan, desk
        self.writer = Writer(store, plan.ends)

    def write(self) -> None:
        """Write everything."""
        group = {"name": "Sim Support", "deleted": False, "default": True}
        self.writer.put("groups", self.desk.group_id, [(self.plan.begins, group)])
        for customer, organization_id in self.desk.organizations.items():
            fields = {"name": customer.account.name, "external_id": customer.account.id, "tags": [], "details": ""}
            self.writer.put("organizations", organization_id, [(customer.created_at, fields)])
        for agent in self.desk.agents:
            self._write_user(agent, "agent", None)
        for requester in self.desk.requesters:
            self._write_user(requester, "end-user", int(self.desk.organizations[requester.customer]))
        for ticket in self.desk.tickets:
            self._write_ticket(ticket)

    def _write_user(self, user: Agent | Requester, role: str, organization_id: int | None) -> None:
        fields: Fields = {"name": user.name, "email": user.email, "role": role, "active": True, "verified": True}
        fields |= {"organization_id": organization_id, "time_zone": self.plan.timezone, "tags": []}
        self.writer.write("users", user, [(user.created_at, fields)])

    def _write_ticket(self, ticket: Ticket) -> None:
        fields: Fields = {
            "subject": f"Sim {ticket.topic}",
            "raw_subject": f"Sim {ticket.topic}",
            "status": "new",
            "type": "question",
            "description": "A simulated request.",
            "priority": ticket.priority,
            "tags": [ticket.topic],
            "requester_id": int(ticket.requester.id),
            "submitter_id": int(ticket.requester.id),
            "assignee_id": None,
            "organization_id": int(self.desk.organizations[ticket.requester.customer]),
            "is_public": True,
            "group_id": int(self.desk.group_id),
            "via": {"channel": ticket.channel},
            "custom_fields": [],
            "satisfaction_rating": {"score": "unoffered"},
        }
        changes: list[Change] = [(ticket.created_at, fields)]
        for at in ticket.replied_at:
            changes.append((at, {"status": "pending", "assignee_id": int(ticket.agent.id)}))
        for at in ticket.solved_at:
            changes.append((at, {"status": "solved", "satisfaction_rating": {"score": "offered"}}))
        for at in ticket.reopened_at:
            changes.append((at, {"status": "open"}))
        if ticket.rated_at:
            changes.append((ticket.rated_at, {"satisfaction_rating": {"score": ticket.rating}}))
            self._write_rating(ticket, ticket.rated_at)
        if len(ticket.solved_at) > len(ticket.reopened_at):
            closed = max(ticket.solved_at[-1] + CLOSES_AFTER, ticket.rated_at or ticket.created_at)
            changes.append((closed, {"status": "closed"}))
        self.writer.write("tickets", ticket, changes)
        self._write_metrics(ticket)

    def _write_rating(self, ticket: Ticket, at: datetime) -> None:
        fields: Fields = {
            "ticket_id": int(ticket.id),
            "score": ticket.rating,
            "comment": None,
            "reason": "No reason provided",
            "requester_id": int(ticket.requester.id),
            "assignee_id": int(ticket.agent.id),
            "group_id": int(self.desk.group_id),
        }
        self.writer.put(
            "satisfaction_ratings", self.desk.ids("rating", at, ticket.id), [(at, fields)], ticket.deleted_at
        )

    def _write_metrics(self, ticket: Ticket) -> None:
        metrics_id = self.desk.ids("metrics", ticket.created_at, ticket.id)
        moments = {ticket.created_at, *ticket.replied_at, *ticket.solved_at, *ticket.reopened_at}
        changes: list[Change] = [(at, self._metrics(ticket, at)) for at in moments]
        self.writer.put("ticket_metrics", metrics_id, changes, ticket.deleted_at)

    def _metrics(self, ticket: Ticket, at: datetime) -> Fields:
        replied = [moment for moment in ticket.replied_at if moment <= at]
        solved = [moment for moment in ticket.solved_at if moment <= at]
        reopened = [moment for moment in ticket.reopened_at if moment <= at]
        assigned = iso(replied[0]) if replied else None
        return {
            "ticket_id": int(ticket.id),
            "replies": len(replied),
            "reopens": len(reopened),
            "group_stations": 1,
            "assignee_stations": int(bool(replied)),
            "assigned_at": assigned,
            "initially_assigned_at": assigned,
            "solved_at": iso(solved[-1]) if len(solved) > len(reopened) else None,
            "latest_comment_added_at": iso(max((ticket.created_at, *replied))),
            "status_updated_at": iso(at),
            "reply_time_in_minutes": self._minutes(ticket, replied[:1]),
            "first_resolution_time_in_minutes": self._minutes(ticket, solved[:1]),
            "full_resolution_time_in_minutes": self._minutes(ticket, solved[-1:]),
        }

    def _minutes(self, ticket: Ticket, ends: list[datetime]) -> dict[str, int | None]:
        if not ends:
            return {"calendar": None, "business": None}
        calendar = int((ends[0] - ticket.created_at).total_seconds()) // 60
        return {"calendar": calendar, "business": self.plan.office_minutes(ticket.created_at, ends[0])}
