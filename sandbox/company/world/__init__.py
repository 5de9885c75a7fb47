"""What happens in the simulated company."""
