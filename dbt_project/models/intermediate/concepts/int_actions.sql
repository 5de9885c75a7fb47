-- One row per action decided at a review.
{{ concept('actions') }}
