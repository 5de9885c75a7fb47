"""A stand-in for Zendesk's API."""
