"""A stand-in for HubSpot's CRM API: lists, single objects, batches, search, associations, OAuth and limits."""

from sandbox.standins.hubspot.server import HubSpot

__all__ = ["HubSpot"]
