"""First files of a company's own sources, facts and metrics, guessed from its exports and written once."""
