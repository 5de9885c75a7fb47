-- One row per customer account of a source system.
{{ concept('accounts') }}
