"""The ledger's file, the marker beside it, and the errors about them.

A ledger that was lost must not come back empty, or everyone gets everything again. So a file beside it, the marker,
says that the ledger was made. While the marker is there, a missing, empty or damaged ledger stops the mail.
"""

import sqlite3
from pathlib import Path

from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import sync, write_whole
from scorecard.shared.moments import now_text

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NO_PERMISSION = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def marker(path: Path) -> Path:
    """Return the path of the marker, the file that says that the ledger was made."""
    return path.with_name(f"{path.name}.made")


def unusable(path: Path, error: OSError | sqlite3.Error) -> ScorecardError:
    """Return the error that says why the ledger, or a file beside it, can't be used, and what to do about it."""
    # SQLite gives the reason in the low byte. The other bytes are details of it.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return damaged(path, str(error))
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if path.is_dir():
        reason, cure = "it is a folder", "Move that folder away"
    elif code in _NO_PERMISSION or isinstance(error, PermissionError):
        cure = f"Give the user who runs this the permission to write it and its folder {path.parent}"
    elif code in _IN_USE:
        cure = "Let the other process that has it open end"
    else:
        cure = "Free space or mend the disk"
    kind = Temporary if code in _IN_USE else ScorecardError
    return kind(
        f"The ledger of deliveries {path} can't be written: {reason}.",
        f"{cure}, then run again; a letter goes out only after it is in the ledger.",
    )


def damaged(path: Path, reason: str) -> ScorecardError:
    """Return the error that says that the ledger is damaged, and what to do."""
    return ScorecardError(
        f"The ledger of deliveries {path} is damaged: {reason}. Nobody is mailed while it is, since it "
        "says who has received which scorecard.",
        "Restore it from a backup; or, if every letter may be sent once more, "
        f"delete it and {marker(path)}, then run again.",
    )


def refuse_if_lost(path: Path) -> None:
    """Refuse a ledger that was made and is now missing or empty: SQLite would make a new one.

    Raises
    ------
    ScorecardError: it is missing or empty.
    """
    if path.exists() and path.stat().st_size:
        return
    raise ScorecardError(
        f"The ledger of deliveries {path} is {'empty' if path.exists() else 'missing'}, though it was made before. "
        "Nobody was mailed, since it says who has received which scorecard.",
        "Restore it from a backup; or, if every letter may be sent once more, "
        f"delete the file {marker(path)}, then run again.",
    )


def mark_made(path: Path) -> None:
    """Write the marker, and wait until the marker and the folder with both names are on the disk."""
    marker_text = (
        f"{path.name} was made, {now_text('milliseconds')}. While this file is here, a run doesn't make another.\n"
    )
    write_whole(marker(path), marker_text.encode())
    sync(path.parent)
