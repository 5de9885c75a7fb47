-- One row per account that is linked to a customer by hand.
{{ concept('customer_links') }}
