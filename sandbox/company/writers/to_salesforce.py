"""Simulated Instruments, as its Salesforce knows it."""

from datetime import datetime, timedelta

from sandbox.company.world.model import Account, Lead, Meeting, Rep, Touch, Unit
from sandbox.company.world.names import SOURCES
from sandbox.company.world.plan import Plan
from sandbox.company.writers.to_salesforce_deals import write_deal
from sandbox.company.writers.writing import Change, Writer, salesforce_time
from sandbox.standins.record_store import Fields, Store


class ToSalesforce:
    """Writes the unit's history into a store."""

    def __init__(self, plan: Plan, unit: Unit, store: Store) -> None:
        self.plan, self.unit = plan, unit
        self.writer = Writer(store, plan.ends)
        # Salesforce demands an owner: what nobody owns belongs to the user of the integration.
        self.nobody = unit.ids("rep", plan.begins, "integration")
        self.campaigns = {source: unit.ids("campaign", plan.begins, source) for source in SOURCES}
        self.sellers = {lead.account: lead.owner for lead in unit.leads if lead.account}
        self.first_wins = _first_wins(unit)

    def write(self) -> None:
        """Write everything."""
        self._write_setup()
        for account in self.unit.accounts:
            self._write_account(account)
        self._write_contacts()
        for lead in self.unit.leads:
            self._write_lead(lead)
        for touch in self.unit.touches:
            self._write_touch(touch)
        self._write_followups()
        for meeting in self.unit.meetings:
            self._write_meeting(meeting)
        for deal in self.unit.opportunities:
            write_deal(self, deal)

    def owner(self, rep: Rep | None) -> str:
        """Return the user whom a record belongs to."""
        return rep.id if rep else self.nobody

    def _write_setup(self) -> None:
        for rep in self.unit.reps:
            changes: list[Change] = [(at, {"Team__c": team}) for at, team in rep.teams]
            changes.insert(0, (rep.created_at, _user(rep.first, rep.last, rep.email, rep.agency)))
            self.writer.write("User", rep, changes)
        user = _user("Sim", "Integration", "integration@instruments.example", "") | {"Team__c": None}
        self.writer.put("User", self.nobody, [(self.plan.begins, user)])
        for source, campaign_id in self.campaigns.items():
            fields = {"Name": f"Sim {source}", "Type": source, "Status": "In Progress", "IsActive": True}
            fields |= {"StartDate": self.plan.day(self.plan.begins).isoformat(), "OwnerId": self.nobody}
            self.writer.put("Campaign", campaign_id, [(self.plan.begins, fields)])
        for product in self.unit.products:
            model = product.model
            code = model.name.upper().replace(" ", "-")
            fields = {"Name": model.name, "ProductCode": code, "Family": model.family, "IsActive": True}
            self.writer.write("Product2", product, [(product.created_at, fields | {"Tier__c": float(model.tier)})])

    def _write_account(self, account: Account) -> None:
        seller = self.sellers.get(account.merged_into or account)
        fields: Fields = {
            "Name": account.name,
            "Type": "Prospect",
            "Industry": account.industry,
            "BillingCity": account.city,
            "BillingCountryCode": account.place.country,
            "CurrencyIsoCode": account.place.currency,
            "Segment__c": account.segment,
            "Region__c": account.place.region,
            "OwnerId": self.owner(seller),
        }
        changes: list[Change] = [(account.created_at, fields)]
        if account in self.first_wins:
            changes.append((self.first_wins[account], {"Type": "Customer"}))
        self.writer.write("Account", account, changes, account.merged_into.id if account.merged_into else None)

    def _write_contacts(self) -> None:
        for contact in self.unit.contacts:
            account = contact.account
            fields: Fields = {"FirstName": contact.first, "LastName": contact.last, "Email": contact.email}
            fields |= {"Name": f"{contact.first} {contact.last}", "AccountId": account.id if account else None}
            seller = self.sellers.get(account.merged_into or account) if account else None
            fields["OwnerId"] = self.owner(seller)
            merged = contact.merged_into.id if contact.merged_into else None
            self.writer.write("Contact", contact, [(contact.created_at, fields)], merged)

    def _write_lead(self, lead: Lead) -> None:
        fields: Fields = {
            "FirstName": lead.first,
            "LastName": lead.last,
            "Name": f"{lead.first} {lead.last}",
            "Email": lead.email,
            "Company": lead.company,
            "CountryCode": lead.place.country,
            "LeadSource": lead.source,
            "Temperature__c": lead.temperature,
            "OwnerId": self.owner(lead.owner),
            "Status": "Open - Not Contacted",
            "CurrencyIsoCode": lead.place.currency,
            "IsConverted": False,
            "ConvertedDate": None,
            "ConvertedAccountId": None,
            "ConvertedContactId": None,
            "ConvertedOpportunityId": None,
        }
        changes: list[Change] = [(lead.created_at, fields)]
        if worked := [touch.created_at for touch in lead.touches if not touch.automatic]:
            changes.append((worked[0], {"Status": "Working - Contacted"}))
        if lead.converted_at and lead.account and lead.contact and lead.opportunity:
            converted: Fields = {
                "Status": "Closed - Converted",
                "IsConverted": True,
                "ConvertedDate": self.plan.day(lead.converted_at).isoformat(),
                "ConvertedAccountId": lead.account.id,
                "ConvertedContactId": lead.contact.id,
                "ConvertedOpportunityId": lead.opportunity.id,
            }
            changes.append((lead.converted_at, converted))
        self.writer.write("Lead", lead, changes)

    def _moved(self, lead: Lead, at: datetime) -> list[Change]:
        """Return how an activity follows its lead: on conversion it moves to the contact and the opportunity."""
        if not (lead.converted_at and lead.contact and lead.opportunity):
            return []
        return [(max(at, lead.converted_at), {"WhoId": lead.contact.id, "WhatId": lead.opportunity.id})]

    def _write_touch(self, touch: Touch) -> None:
        call = touch.kind == "call"
        fields: Fields = {
            "Subject": "Call" if call else "Automatic reply" if touch.automatic else "Email",
            "Status": "Completed",
            "Type": "Call" if call else "Email",
            "TaskSubtype": "Call" if call else "Email",
            "ActivityDate": self.plan.day(touch.created_at).isoformat(),
            "OwnerId": self.owner(touch.rep),
            "WhoId": touch.lead.id,
            "WhatId": None,
            "IsClosed": True,
            "Auto_Reply__c": touch.automatic,
            "CompletedDateTime": salesforce_time(touch.created_at),
            "Agency__c": touch.rep.agency or None if touch.rep else None,
            "CallType": ("Inbound" if touch.inbound else "Outbound") if call else None,
            "CallDurationInSeconds": touch.seconds if call else None,
            "CallDisposition": ("Connected" if touch.connected else "No Answer") if call else None,
            "Value_Added__c": _tag(touch.value_added),
            "Tailored__c": _tag(touch.tailored),
            "Template__c": touch.template,
        }
        changes = [(touch.created_at, fields), *self._moved(touch.lead, touch.created_at)]
        self.writer.write("Task", touch, changes)

    def _write_followups(self) -> None:
        for followup in self.unit.followups:
            fields: Fields = {
                "Subject": "Follow up",
                "Status": "Not Started",
                "Type": "Other",
                "TaskSubtype": "Task",
                "ActivityDate": followup.due.isoformat(),
                "OwnerId": self.owner(followup.rep),
                "WhoId": followup.lead.id,
                "WhatId": None,
                "IsClosed": False,
                "CompletedDateTime": None,
                "Reached__c": None,
            }
            changes = [(followup.created_at, fields), *self._moved(followup.lead, followup.created_at)]
            if done := followup.done_at:
                reached = _tag(followup.reached)
                closed = {"Status": "Completed", "IsClosed": True, "CompletedDateTime": salesforce_time(done)}
                changes.append((done, closed | {"Reached__c": reached}))
            self.writer.write("Task", followup, changes)

    def _write_meeting(self, meeting: Meeting) -> None:
        fields: Fields = {
            "Subject": "Meeting",
            "Type": "Meeting",
            "EventSubtype": "Event",
            "DurationInMinutes": 60,
            "StartDateTime": salesforce_time(meeting.starts_at),
            "OwnerId": self.owner(meeting.rep),
            "EndDateTime": salesforce_time(meeting.starts_at + timedelta(hours=1)),
            "IsAllDayEvent": False,
            "IsChild": False,
            "ActivityDate": self.plan.day(meeting.starts_at).isoformat(),
            "WhoId": meeting.lead.id,
            "WhatId": None,
            "Outcome__c": "Scheduled",
            "Feedback_At__c": None,
            "Agency__c": meeting.rep.agency or None if meeting.rep else None,
        }
        changes = [(meeting.created_at, fields), *self._moved(meeting.lead, meeting.created_at)]
        changes.append((meeting.starts_at, {"Outcome__c": "Held" if meeting.held else "No Show"}))
        if meeting.feedback_at:
            changes.append((meeting.feedback_at, {"Feedback_At__c": salesforce_time(meeting.feedback_at)}))
        self.writer.write("Event", meeting, changes)


def _user(first: str, last: str, email: str, agency: str) -> Fields:
    return {
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} {last}",
        "Email": email,
        "Username": email,
        "IsActive": True,
        "UserType": "Standard",
        "Agency__c": agency or None,
    }


def _tag(value: bool | None) -> str | None:
    """A checkbox is never empty, so a tag that may be missing is a picklist."""
    return None if value is None else "Yes" if value else "No"


def _first_wins(unit: Unit) -> dict[Account, datetime]:
    wins = ((deal.closed_at, deal.account) for deal in unit.opportunities if deal.won)
    first_wins: dict[Account, datetime] = {}
    for at, account in wins:
        if at and at < first_wins.get(account, at + timedelta(1)):
            first_wins[account] = at
    return first_wins
