"""Stand-ins: HTTP servers on loopback that behave as Salesforce, HubSpot, Stripe and Zendesk do."""
