-- One row per action that was decided at a review.
{{ concept('actions') }}
