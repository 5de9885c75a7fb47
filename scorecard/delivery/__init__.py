"""Mail: each reader gets each edition once, and a person decides about a letter whose outcome is unknown."""
