"""Names of machines."""

import ipaddress


def is_loopback(name: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name.lower() == "localhost"
