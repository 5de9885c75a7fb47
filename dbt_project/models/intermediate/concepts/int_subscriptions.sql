-- One row per subscription item, or stretch of days in which it was the same, in the currency it is billed in.
{{ concept('subscriptions') }}
