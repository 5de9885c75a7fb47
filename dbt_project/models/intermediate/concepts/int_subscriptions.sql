-- One row per subscription item, or per stretch of days in which it was the same, in the currency in which it is
-- billed.
{{ concept('subscriptions') }}
