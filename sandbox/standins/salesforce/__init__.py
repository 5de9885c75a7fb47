"""A stand-in of Salesforce: OAuth, describe, SOQL over REST, and Bulk API 2.0 queries."""

from sandbox.standins.salesforce.objects import Field
from sandbox.standins.salesforce.server import Salesforce

__all__ = ["Field", "Salesforce"]
