-- One row per currency and day: units of the reporting currency for one unit of the currency.
{{ concept('fx_rates') }}
