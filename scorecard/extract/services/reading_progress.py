"""Lines about how far the objects of a service are read."""

import time
from collections.abc import Callable

from scorecard.extract.services.service import ServiceObject

PROGRESS_SECONDS = 5.0
"""Seconds between two lines of progress of one object."""


class ReadingProgress:
    """Lines about how far each object is read."""

    def __init__(self, source: str, write: Callable[[str], None]) -> None:
        self.source, self.write = source, write
        self.started = time.monotonic()
        self.reported: dict[str, float] = {}

    def report_at_times(self, read_object: ServiceObject) -> None:
        """Write a line if the last one about the object is old enough."""
        if time.monotonic() - self.reported.get(read_object.name, 0.0) > PROGRESS_SECONDS:
            self.report(read_object)

    def report(self, read_object: ServiceObject, is_done: bool = False) -> None:
        """Write a line about an object."""
        now = self.reported[read_object.name] = time.monotonic()
        rate = read_object.rows / max(now - self.started, 0.001)
        state = "failed" if read_object.error else "read" if is_done else "reading"
        self.write(
            f"{self.source}.{read_object.name}: {state}, {read_object.rows} records on {read_object.pages} pages,"
            f" {rate:.0f} a second"
        )
