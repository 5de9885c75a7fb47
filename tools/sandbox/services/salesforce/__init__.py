"""A stand-in of Salesforce: OAuth, describe, SOQL over REST, and Bulk API 2.0 queries."""

from .objects import Field
from .server import Salesforce

__all__ = ["Field", "Salesforce"]
