"""Reference that is generated from declarations: the page of metrics, and JSON schemas."""
