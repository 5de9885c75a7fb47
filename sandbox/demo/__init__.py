"""The demonstration that `make sandbox` runs."""
