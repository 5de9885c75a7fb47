"""What a source promises, by its declaration."""
