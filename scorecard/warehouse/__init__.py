"""The warehouse: what dbt builds of it, when that is needed, and the copy that people read."""
