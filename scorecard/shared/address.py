"""The address of an HTTP service, checked before anything is sent to it."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from scorecard.shared.errors import ScorecardError
from scorecard.shared.hosts import is_loopback

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?")


def refuse_unfit(source: str, host: str, encrypted: bool = True) -> None:
    """Refuse a host that is not the address of a service. An empty host is allowed.

    Parameters
    ----------
    encrypted: whether the address must be https, since others could read what is sent; this machine's own
        addresses are let through.

    Raises
    ------
    ScorecardError: says what is wrong with it, without the address: a password may stand in it.
    """
    if not host:
        return
    where = f"Set host of the connection scorecard_{source} to"
    if not host.isascii() or not host.isprintable() or " " in host:
        raise _wrong(source, "has a space, a control character or a letter that no address has", f"{where} https://….")
    parts = _parts(host)
    name = parts.hostname if parts else None
    if parts is None or (parts.scheme not in ("http", "https") and "://" in host):
        raise _wrong(source, "is no address that begins with https://", f"{where} https:// and the service's name.")
    if parts.scheme not in ("http", "https") or not name:
        raise _wrong(source, "lacks the https:// before the service's name", f"{where} https:// and that name.")
    if not _is_name(name):
        raise _wrong(
            source, "names no machine", f"{where} https:// and the service's name, as https://api.example.com."
        )
    at = f"[{name}]" if ":" in name else name
    base = f"{parts.scheme}://{at}{f':{parts.port}' if parts.port else ''}"
    if "@" in parts.netloc:
        raise _wrong(source, "holds a user or a password", f"{where} {base}, and login and password beside it.")
    if parts.path.strip("/") or "?" in host or "#" in host:
        raise _wrong(source, "has more than the service's address in it", f"{where} {base}, without what follows.")
    if encrypted and parts.scheme == "http" and not is_loopback(name):
        raise _wrong(
            source,
            "begins with http://, by which the credentials could be read on the way",
            f"{where} {base.replace('http:', 'https:', 1)}.",
        )


def _wrong(source: str, what: str, cure: str) -> ScorecardError:
    return ScorecardError(f"The host of the connection scorecard_{source} {what}.", cure)


def _parts(host: str) -> SplitResult | None:
    """Take an address apart; None where its port or its brackets make no sense."""
    try:
        parts = urlsplit(host)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def _is_name(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return _NAME.fullmatch(name) is not None
    return True
