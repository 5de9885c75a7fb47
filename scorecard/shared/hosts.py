"""Names of machines."""

import ipaddress


def is_loopback(name: str) -> bool:
    """Whether what is sent to a machine stays on this one."""
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name.lower() == "localhost"
