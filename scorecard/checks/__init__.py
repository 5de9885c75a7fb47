"""What is checked, what it found, and which scorecards that holds back."""
