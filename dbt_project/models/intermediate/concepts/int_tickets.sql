-- One row per support ticket.
{{ concept('tickets') }}
