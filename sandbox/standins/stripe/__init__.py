"""A stand-in for Stripe's API."""
