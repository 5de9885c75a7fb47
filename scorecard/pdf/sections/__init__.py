"""The sections of a scorecard."""
