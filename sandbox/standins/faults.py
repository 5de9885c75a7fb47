"""Faults of an API that a test or the sandbox can switch on; the names are those of the fault catalogue."""

import re
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with an answer."""

    TOO_MANY_REQUESTS = "429 with Retry-After"
    TOO_MANY_REQUESTS_BARE = "429 without Retry-After"
    SERVER_ERROR = "500"
    CUT_IN_MID_PAGE = "500 in mid-page"
    DROPPED = "connection dropped before an answer"
    TIMEOUT = "timeout after the server has acted"
    HANG = "no answer, ever"
    TRUNCATED_GZIP = "truncated gzip"
    HTML = "an HTML page with status 200"
    REPEATED_CURSOR = "a cursor that repeats"
    TOKEN_EXPIRED = "token expiry in mid-run"  # noqa: S105
    QUOTA_GONE = "daily quota gone"
    AT_ONCE = "too many requests at once"
    JOB_ABORTED = "bulk job aborted"


@dataclass
class FaultSwitch:
    """A fault that strikes `times` requests whose method and path match, once `after` of them have passed."""

    fault: Fault
    path: str = ".*"
    times: int = 1
    after: int = 0
    retry_after: int = 1
    struck: int = field(default=0, init=False)


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self._switches: list[FaultSwitch] = []

    def on(self, fault: Fault, path: str = ".*", times: int = 1, after: int = 0, retry_after: int = 1) -> FaultSwitch:
        """Switch a fault on for paths that a regular expression finds; return the switch, which counts its strikes."""
        switch = FaultSwitch(fault, path, times, after, retry_after)
        self._switches.append(switch)
        return switch

    def off(self) -> None:
        """Switch all of them off."""
        self._switches.clear()

    def strike(self, method: str, path: str, only: set[Fault] | None = None) -> FaultSwitch | None:
        """Return the fault that strikes this request, if one does; a service asks for its own kinds by ``only``."""
        for switch in self._switches:
            if only is not None and switch.fault not in only:
                continue
            if only is None and switch.fault in SERVICE_FAULTS:
                continue
            if not re.search(switch.path, f"{method} {path}"):
                continue
            if switch.after > 0:
                switch.after -= 1
                continue
            if switch.struck < switch.times:
                switch.struck += 1
                return switch
        return None


SERVICE_FAULTS = {Fault.REPEATED_CURSOR, Fault.TOKEN_EXPIRED, Fault.QUOTA_GONE, Fault.AT_ONCE, Fault.JOB_ABORTED}
"""Faults whose shape differs from service to service, so that each service makes them itself."""
