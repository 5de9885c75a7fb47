"""A mail server on this machine for one run, where no other is configured. It files each letter in a folder."""

import mailbox
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
_READY_SECONDS = 30.0
_LARGEST_BYTES = 64 * 1024 * 1024


def open_maildir(folder: Path) -> mailbox.Maildir:
    """Open the folder of letters, and make it where there is none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return mailbox.Maildir(folder, create=True)


def arrived(folder: Path, message_id: str) -> bool:
    """Tell whether a letter lies in the folder. So the outcome of a letter of a killed run is known."""
    if not folder.is_dir():
        return False
    with_id = f"\nMessage-ID: {message_id}\n".encode().lower()
    for part in ("new", "cur"):
        for path in (folder / part).glob("*"):
            head = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[0]
            # A long header may be folded after its name.
            if with_id in b"\n" + head.replace(b"\n ", b" ").replace(b":  ", b": ").lower() + b"\n":
                return True
    return False


class _Filing:
    """Answers 250 only after a letter is on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """File one letter."""
        try:
            box = open_maildir(self._folder)
            box.add(envelope.content)
            box.close()
        except OSError as error:
            # A 4xx answer is for now: the disk may have room again at the next run.
            return f"452 4.3.1 {self._folder} can't be written: {error.strerror}"
        return "250 OK filed"


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """Run a server on the loopback interface while the block runs, and yield its port.

    Parameters
    ----------
    folder: a Maildir, made if it isn't there.
    """
    from aiosmtpd.controller import Controller

    class Local(Controller):
        """A controller that listens on a socket that is bound already, so that no port is guessed."""

        def _create_server(self) -> Any:
            return self.loop.create_server(self._factory_invoker, sock=listener)

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.bind((HOST, 0))
        port = int(listener.getsockname()[1])
        open_maildir(folder).close()
        server = Local(
            _Filing(folder),
            hostname=HOST,
            port=port,
            ready_timeout=_READY_SECONDS,
            data_size_limit=_LARGEST_BYTES,
        )
        server.start()
    except BaseException:
        listener.close()
        raise
    try:
        yield port
    finally:
        server.stop()
        listener.close()
