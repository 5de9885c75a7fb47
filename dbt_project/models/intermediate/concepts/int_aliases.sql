-- One row per name that stands for another: a spelling of a source, or what a member was called before it was renamed.
{{ concept('aliases') }}
