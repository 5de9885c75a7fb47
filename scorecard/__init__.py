"""KPIs and CPIs from CRM and billing data, as scorecards that can be proved."""
