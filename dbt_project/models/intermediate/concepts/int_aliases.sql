-- One row per alias: a spelling of a source, or the name of a member before it was renamed.
{{ concept('aliases') }}
