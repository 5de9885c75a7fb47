"""A simulated company, and stand-ins for the services that a real one keeps its records in.

Nothing in here is part of the product, which never imports it: the product only sees HTTP servers.
"""
