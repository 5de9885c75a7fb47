"""`python -m scorecard.cli`."""

from scorecard.cli import main

main()
