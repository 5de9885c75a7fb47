"""Read several objects of a service at a time, each in a thread, and report how far each is read."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scorecard.extract.services.response import understood
from scorecard.extract.services.service import ServicePage
from scorecard.extract.services.service_objects import ServiceObject

QUEUED_PAGES = 2
"""Pages that may wait in the queue. So memory stays small, however fast the service is."""

PROGRESS_SECONDS = 5.0
"""Seconds between two lines of progress of one object."""

ReadObject = Callable[[ServiceObject], Iterator[ServicePage]]


class ParallelReader:
    """Threads that read objects and put their pages into one queue.

    ``read`` yields the pages of an object. An object's end, or its error, follows its pages in the queue.
    """

    def __init__(self, source: str, objects: list[ServiceObject], read: ReadObject) -> None:
        self.source, self.objects, self.read = source, objects, read
        self._todo: queue.SimpleQueue[ServiceObject] = queue.SimpleQueue()
        self._pages: queue.Queue[tuple[ServiceObject, ServicePage | Exception | None]] = queue.Queue(QUEUED_PAGES)
        self._stop = threading.Event()
        for read_object in objects:
            self._todo.put(read_object)

    @contextmanager
    def running(self, concurrency: int) -> Iterator[None]:
        """Run a number of threads; stop them in the end."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(concurrency)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def pages(self) -> Iterator[tuple[ServiceObject, ServicePage | None]]:
        """Yield each object's pages as they come, then None; an error is noted in the object."""
        left = len(self.objects)
        while left:
            read_object, page = self._pages.get()
            if not isinstance(page, ServicePage):
                left -= 1
                read_object.error = read_object.error or page
                page = None
            yield read_object, page

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                read_object = self._todo.get_nowait()
            except queue.Empty:
                return
            failure: Exception | None = None
            try:
                with understood(self.source, read_object.name):
                    for page in self.read(read_object):
                        self._put(read_object, page)
                        if self._stop.is_set():
                            return
            except Exception as error:
                failure = error
            self._put(read_object, failure)

    def _put(self, read_object: ServiceObject, page: ServicePage | Exception | None) -> None:
        while not self._stop.is_set():
            try:
                self._pages.put((read_object, page), timeout=0.2)
                return
            except queue.Full:
                continue


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
