"""Simulated Cloud, as its HubSpot knows it: all properties are text, and a lead is a contact from the start."""

from datetime import timedelta

from sandbox.company.world.model import Account, FollowUp, Lead, Meeting, Rep, Touch, Unit
from sandbox.company.world.plan import Plan
from sandbox.company.writers.to_hubspot_deals import STAGES, write_deal
from sandbox.company.writers.writing import Change, Writer, iso
from sandbox.standins.record_store import Fields, Store

_CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
_NO_ANSWER = "73a0d17f-1163-4015-bdd5-ec830791da20"
"""HubSpot's own ids of what came of a call."""


class ToHubSpot:
    """Writes the unit's history into a store."""

    def __init__(self, plan: Plan, unit: Unit, store: Store) -> None:
        self.plan, self.unit = plan, unit
        self.writer = Writer(store, plan.ends)

    def write(self) -> None:
        """Write everything."""
        for rep in self.unit.reps:
            self._write_owner(rep)
        self._write_pipeline()
        for account in self.unit.accounts:
            self._write_company(account)
        for lead in self.unit.leads:
            self._write_lead(lead)
        self._write_duplicates()
        for touch in self.unit.touches:
            self._write_touch(touch)
        for followup in self.unit.followups:
            self._write_task(followup)
        for meeting in self.unit.meetings:
            self._write_meeting(meeting)
        for deal in self.unit.opportunities:
            write_deal(self.writer, deal, self.plan)

    def _write_owner(self, rep: Rep) -> None:
        first: Fields = {"email": rep.email, "firstName": rep.first, "lastName": rep.last, "type": "PERSON"}
        changes: list[Change] = [(rep.created_at, first | {"userId": int(rep.id) % 10**8, "agency": rep.agency})]
        for at, team in rep.teams:
            changes.append((at, {"teams": [{"id": str(sum(map(ord, team))), "name": team, "primary": True}]}))
        self.writer.write("owners", rep, changes)

    def _write_pipeline(self) -> None:
        stages = [
            {
                "id": stage,
                "label": label,
                "displayOrder": place,
                "metadata": {"isClosed": closed, "probability": chance},
            }
            for place, (label, (stage, chance, closed)) in enumerate(STAGES.items())
        ]
        fields = {"label": "Sales pipeline (simulated)", "displayOrder": 0, "stages": stages}
        self.writer.put("pipelines", "default", [(self.plan.begins, fields)])

    def _write_company(self, account: Account) -> None:
        fields: Fields = {
            "name": account.name,
            "domain": f"customer{account.id[-6:]}.example",
            "city": account.city,
            "country": account.place.country,
            "industry": account.industry,
            "segment": account.segment,
            "region": account.place.region,
            "lifecyclestage": "opportunity",
        }
        merged = account.merged_into.id if account.merged_into else None
        self.writer.write("companies", account, [(account.created_at, fields)], merged)

    def _write_lead(self, lead: Lead) -> None:
        fields: Fields = {
            "firstname": lead.first,
            "lastname": lead.last,
            "email": lead.email,
            "company": lead.company,
            "country": lead.place.country,
            "lead_temperature": lead.temperature,
            "lead_source": lead.source,
            "hubspot_owner_id": lead.owner.id if lead.owner else None,
            "hs_lead_status": "NEW",
            "lifecyclestage": "lead",
            "associations": {},
        }
        changes: list[Change] = [(lead.created_at, fields)]
        people = [touch for touch in lead.touches if not touch.automatic]
        if people:
            changes.append((people[0].created_at, {"hs_lead_status": "ATTEMPTED_TO_CONTACT"}))
        if connected := next((touch for touch in people if touch.connected), None):
            changes.append((connected.created_at, {"hs_lead_status": "CONNECTED"}))
        if lead.converted_at and lead.account:
            converted = {"lifecyclestage": "opportunity", "associatedcompanyid": lead.account.id}
            changes.append((lead.converted_at, converted | {"associations": {"companies": [lead.account.id]}}))
        self.writer.write("contacts", lead, changes)

    def _write_duplicates(self) -> None:
        for contact in self.unit.contacts:
            if contact.merged_into and contact.account:
                # HubSpot lets no two contacts have the same address.
                fields: Fields = {
                    "firstname": contact.first,
                    "lastname": contact.last,
                    "email": f"info.{contact.email}",
                    "lifecyclestage": "opportunity",
                    "associations": {"companies": [contact.account.id]},
                }
                self.writer.write("contacts", contact, [(contact.created_at, fields)], contact.merged_into.id)

    def _write_touch(self, touch: Touch) -> None:
        fields: Fields = {
            "hs_timestamp": iso(touch.created_at),
            "hubspot_owner_id": touch.rep.id if touch.rep else None,
            "agency": touch.rep.agency or None if touch.rep else None,
            "tailored": _tag(touch.tailored),
            "template": touch.template,
            "associations": {"contacts": [touch.lead.id]},
        }
        if touch.kind == "email":
            subject = "Automatic reply" if touch.automatic else "Email"
            fields |= {"hs_email_subject": subject, "hs_email_status": "SENT", "hs_email_direction": "EMAIL"}
            self.writer.write("emails", touch, [(touch.created_at, fields | {"auto_reply": _tag(touch.automatic)})])
            return
        fields |= {
            "hs_call_title": "Call",
            "hs_call_status": "COMPLETED" if touch.connected else "NO_ANSWER",
            "hs_call_direction": "INBOUND" if touch.inbound else "OUTBOUND",
            "hs_call_duration": str(touch.seconds * 1000),
            "value_added": _tag(touch.value_added),
            "hs_call_disposition": _CONNECTED if touch.connected else _NO_ANSWER,
        }
        self.writer.write("calls", touch, [(touch.created_at, fields)])

    def _write_task(self, followup: FollowUp) -> None:
        due = self.plan.midnight(followup.due + timedelta(days=1)) - timedelta(seconds=1)
        fields: Fields = {
            "hs_task_subject": "Follow up",
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": "CALL",
            "hs_timestamp": iso(due),
            "hubspot_owner_id": followup.rep.id if followup.rep else None,
            "reached": None,
            "hs_task_completion_date": None,
            "associations": {"contacts": [followup.lead.id]},
        }
        changes: list[Change] = [(followup.created_at, fields)]
        if done := followup.done_at:
            completed = {"hs_task_status": "COMPLETED", "hs_task_completion_date": iso(done)}
            changes.append((done, completed | {"reached": _tag(followup.reached)}))
        self.writer.write("tasks", followup, changes)

    def _write_meeting(self, meeting: Meeting) -> None:
        fields: Fields = {
            "hs_meeting_title": "Meeting",
            "hs_timestamp": iso(meeting.starts_at),
            "hs_meeting_start_time": iso(meeting.starts_at),
            "hs_meeting_outcome": "SCHEDULED",
            "feedback_at": None,
            "hs_meeting_end_time": iso(meeting.starts_at + timedelta(hours=1)),
            "hubspot_owner_id": meeting.rep.id if meeting.rep else None,
            "agency": meeting.rep.agency or None if meeting.rep else None,
            "associations": {"contacts": [meeting.lead.id]},
        }
        changes: list[Change] = [(meeting.created_at, fields)]
        changes.append((meeting.starts_at, {"hs_meeting_outcome": "COMPLETED" if meeting.held else "NO_SHOW"}))
        if meeting.feedback_at:
            changes.append((meeting.feedback_at, {"feedback_at": iso(meeting.feedback_at)}))
        self.writer.write("meetings", meeting, changes)


def _tag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
