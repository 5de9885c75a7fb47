"""Check the data, keep the results, and decide which scorecards they hold back."""
