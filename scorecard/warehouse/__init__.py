"""The warehouse: dbt builds it when something has changed, and people read a published copy."""
