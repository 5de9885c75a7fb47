"""Deals, line items and quotes, as HubSpot knows them."""

from datetime import datetime

from sandbox.company.world.model import LOST, WON, Opportunity
from sandbox.company.world.plan import Plan
from sandbox.company.writers.writing import Change, Writer, iso
from sandbox.standins.record_store import Fields

STAGES = {
    "Qualification": ("qualifiedtobuy", "0.2", "false"),
    "Needs Analysis": ("presentationscheduled", "0.4", "false"),
    "Proposal": ("decisionmakerboughtin", "0.6", "false"),
    "Negotiation": ("contractsent", "0.8", "false"),
    WON: ("closedwon", "1.0", "true"),
    LOST: ("closedlost", "0.0", "true"),
}
"""The id, probability and closedness of each stage of the pipeline."""


def write_deal(writer: Writer, deal: Opportunity, plan: Plan) -> None:
    """Write a deal and all that belongs to it."""
    writer.write("deals", deal, _changes(deal, plan))
    for line in deal.lines:
        fields: Fields = {
            "name": line.product.model.name,
            "hs_product_id": line.product.id,
            "quantity": str(line.quantity),
            "price": str(line.price),
            "amount": str(line.quantity * line.price),
            "city": line.place.cities[0],
            "hs_line_item_currency_code": deal.currency,
            "country": line.place.country,
            "hs_sku": line.product.model.name.upper().replace(" ", "-"),
            "associations": {"deals": [deal.id]},
        }
        changes: list[Change] = [(line.created_at, fields)]
        if line.corrected_at and line.corrected_price is not None:
            total = str(line.amount(line.corrected_at))
            changes.append((line.corrected_at, {"price": str(line.corrected_price), "amount": total}))
        writer.put("line_items", line.id, changes, deal.deleted_at)
    _write_quotes(writer, deal, plan)


def _changes(deal: Opportunity, plan: Plan) -> list[Change]:
    first: Fields = {
        "dealname": deal.name,
        "pipeline": "default",
        "deal_currency_code": deal.currency,
        "lead_source": deal.lead.source,
        "dealtype": "newbusiness",
    }
    changes: list[Change] = [(deal.created_at, first)]
    for at, stage in deal.stages:
        name, chance, closed = STAGES[stage]
        won = str(stage == WON).lower()
        entered = {"dealstage": name, "hs_deal_stage_probability": chance}
        changes.append((at, entered | {"hs_is_closed": closed, "hs_is_closed_won": won}))
    for at, rep in deal.owners:
        owner = {"hubspot_owner_id": rep.id if rep else None}
        changes.append((at, owner | {"agency": rep.agency or None if rep else None}))
    for at, day in deal.close_dates:
        changes.append((at, {"closedate": iso(at if at == deal.closed_at else plan.midnight(day))}))
    for at in deal.valued_at:
        changes.append((at, {"amount": str(deal.amount(at)), "associations": _associated(deal, at)}))
    merged_at = deal.account.deleted_at
    if merged_at and merged_at >= deal.created_at:
        changes.append((merged_at, {"associations": _associated(deal, merged_at)}))
    return changes


def _associated(deal: Opportunity, at: datetime) -> dict[str, list[str]]:
    """Return what a deal belongs to at a moment: after a merger, to those who took the others in."""
    person = deal.contact
    if person and person.merged_into and not person.known(at):
        person = person.merged_into
    return {
        "companies": [deal.account.settled(at).id],
        "contacts": [person.id] if person else [],
        "line_items": [line.id for line in deal.lines if line.created_at <= at],
    }


def _write_quotes(writer: Writer, deal: Opportunity, plan: Plan) -> None:
    for quote in deal.quotes:
        fields: Fields = {
            "hs_title": f"{deal.name} – quote {quote.revision + 1}",
            "hs_status": "DRAFT",
            "hs_quote_amount": str(deal.amount(quote.created_at)),
            "hs_currency": deal.currency,
            "requested_at": iso(quote.requested_at),
            "delivered_at": None,
            "revision": str(quote.revision),
            "hs_expiration_date": iso(plan.midnight(plan.day(quote.created_at).replace(month=12, day=31))),
            "associations": {"deals": [deal.id]},
        }
        changes: list[Change] = [(quote.created_at, fields)]
        if at := quote.delivered_at:
            changes.append((at, {"hs_status": "APPROVAL_NOT_NEEDED", "delivered_at": iso(at)}))
        writer.put("quotes", quote.id, changes, deal.deleted_at)
