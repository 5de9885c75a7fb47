"""The history as its services and files have it."""
