"""The true figures of the history."""
