"""Raw tables: records are validated, loaded and recovered in one way, whatever they come from."""
