-- One row per product of a catalogue.
{{ concept('products', one_per='product') }}
