-- One row per day on which the company is closed.
{{ concept('holidays') }}
