"""The ground floor: what every part needs, and what needs no part."""
