"""Mail: each reader gets each edition once, and an unknown outcome goes to a person, not to a second copy."""
