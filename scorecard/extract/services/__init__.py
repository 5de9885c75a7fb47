"""Services and databases: a package for each connector, found by its name."""
