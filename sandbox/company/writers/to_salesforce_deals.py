"""Opportunities, their history, lines and quotes, as Salesforce knows them."""

from typing import Protocol

from sandbox.company.world.model import LOST, WON, Opportunity, Rep, Unit
from sandbox.company.world.plan import Plan
from sandbox.company.writers.writing import Change, Writer, salesforce_time
from sandbox.standins.record_store import Fields

PROBABILITY = {"Qualification": 10, "Needs Analysis": 25, "Proposal": 60, "Negotiation": 80, WON: 100, LOST: 0}
FORECAST = {WON: "Closed", LOST: "Omitted", "Proposal": "BestCase", "Negotiation": "Forecast"}
_RECORDED = ("Amount", "CloseDate", "StageName", "Probability", "ForecastCategory")


class Writing(Protocol):
    """What is needed to write a deal."""

    plan: Plan
    unit: Unit
    writer: Writer
    campaigns: dict[str, str]

    def owner(self, rep: Rep | None) -> str:
        """Return the user whom a record belongs to."""


def write_deal(to: Writing, deal: Opportunity) -> None:
    """Write an opportunity and all that belongs to it."""
    changes = _changes(to, deal)
    to.writer.write("Opportunity", deal, changes)
    _write_history(to, deal, changes)
    for line in deal.lines:
        product = line.product
        fields: Fields = {
            "OpportunityId": deal.id,
            "Product2Id": product.id,
            "Name": f"{deal.name} {product.model.name}",
            "Quantity": float(line.quantity),
            "UnitPrice": float(line.price),
            "City__c": line.place.cities[0],
            "TotalPrice": float(line.quantity * line.price),
            "CurrencyIsoCode": deal.currency,
            "Country__c": line.place.country,
        }
        of_line: list[Change] = [(line.created_at, fields)]
        if line.corrected_at and line.corrected_price is not None:
            total = float(line.amount(line.corrected_at))
            of_line.append((line.corrected_at, {"UnitPrice": float(line.corrected_price), "TotalPrice": total}))
        to.writer.put("OpportunityLineItem", line.id, of_line, deal.deleted_at)
    _write_quotes(to, deal)


def _changes(to: Writing, deal: Opportunity) -> list[Change]:
    first: Fields = {
        "Name": deal.name,
        "AccountId": deal.account.id,
        "ContactId": deal.contact.id if deal.contact else None,
        "LeadSource": deal.lead.source,
        "CampaignId": to.campaigns[deal.lead.source],
        "CurrencyIsoCode": deal.currency,
        "Type": "Renewal" if deal.renewal else "New Business",
        "Temperature__c": deal.lead.temperature,
        "LastStageChangeDate": None,
    }
    changes: list[Change] = [(deal.created_at, first)]
    for place, (at, stage) in enumerate(deal.stages):
        entered: Fields = {
            "StageName": stage,
            "Probability": float(PROBABILITY[stage]),
            "IsWon": stage == WON,
            "IsClosed": stage in (WON, LOST),
            "ForecastCategory": FORECAST.get(stage, "Pipeline"),
        }
        changes.append((at, entered | ({"LastStageChangeDate": salesforce_time(at)} if place else {})))
    for at, rep in deal.owners:
        changes.append((at, {"OwnerId": to.owner(rep), "Agency__c": rep.agency or None if rep else None}))
    for at, day in deal.close_dates:
        changes.append((at, {"CloseDate": day.isoformat()}))
    for at in deal.valued_at:
        has_lines = any(line.created_at <= at for line in deal.lines)
        changes.append((at, {"Amount": float(deal.amount(at)), "HasOpportunityLineItem": has_lines}))
    copied, master = deal.account, deal.account.merged_into
    if master and copied.deleted_at and copied.deleted_at >= deal.created_at:
        changes.append((copied.deleted_at, {"AccountId": master.id}))
    return changes


def _write_history(to: Writing, deal: Opportunity, changes: list[Change]) -> None:
    """Write an entry for each time the stage, the amount or the close date became another."""
    moments = sorted({at for at, fields in changes if fields.keys() & set(_RECORDED) and at < to.plan.ends})
    before: Fields = {}
    for moment in moments:
        if deal.deleted_at and moment >= deal.deleted_at:
            break
        state: Fields = {}
        for at, fields in sorted(changes, key=lambda change: change[0]):
            if at <= moment:
                state |= {name: value for name, value in fields.items() if name in _RECORDED}
        entry = {**state, "OpportunityId": deal.id, "CurrencyIsoCode": deal.currency}
        entry |= {"PrevAmount": before.get("Amount"), "PrevCloseDate": before.get("CloseDate")}
        history_id = to.unit.ids("history", moment, f"{deal.id}/{moment}")
        to.writer.put("OpportunityHistory", history_id, [(moment, entry)], deal.deleted_at)
        before = state


def _write_quotes(to: Writing, deal: Opportunity) -> None:
    for quote in deal.quotes:
        total = float(deal.amount(quote.created_at))
        fields: Fields = {
            "Name": f"{deal.name} – quote {quote.revision + 1}",
            "OpportunityId": deal.id,
            "AccountId": deal.account.id,
            "QuoteNumber": quote.id[-8:],
            "Status": "Draft",
            "GrandTotal": total,
            "TotalPrice": total,
            "CurrencyIsoCode": deal.currency,
            "Revision__c": float(quote.revision),
            "Requested_At__c": salesforce_time(quote.requested_at),
            "Delivered_At__c": None,
        }
        changes: list[Change] = [(quote.created_at, fields)]
        if at := quote.delivered_at:
            changes.append((at, {"Status": "Presented", "Delivered_At__c": salesforce_time(at)}))
            if deal.won and deal.closed_at and quote is deal.quotes[-1]:
                changes.append((max(at, deal.closed_at), {"Status": "Accepted"}))
        to.writer.put("Quote", quote.id, changes, deal.deleted_at)
