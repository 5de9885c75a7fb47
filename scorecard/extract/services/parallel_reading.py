"""Read several objects of a service at a time, each in a thread."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scorecard.extract.services.response import understood
from scorecard.extract.services.service import ServiceObject
from scorecard.extract.services.service_page import ServicePage

QUEUED_PAGES = 2
"""Pages that may wait in the queue. So memory stays small, however fast the service is."""

ReadObject = Callable[[ServiceObject], Iterator[ServicePage]]


class ParallelReader:
    """Threads that read objects and put their pages into one queue.

    ``read`` asks the service for the pages of an object. An object's end, or its error, comes behind its pages.
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
