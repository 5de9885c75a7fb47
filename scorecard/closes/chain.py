"""The chain that joins the closes: its head, and what a killed run left behind."""

import shutil
from typing import Any

from scorecard.closes import store
from scorecard.closes.verify import chain_problems
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import sha256_of, write_whole
from scorecard.shared.settings import Settings


def write_head(settings: Settings, manifest: dict[str, Any]) -> None:
    """Name a close as the newest, in the archive and beside it."""
    path = settings.archive / manifest["close_id"] / store.MANIFEST
    head = {
        "close_id": manifest["close_id"],
        "sequence": manifest["sequence"],
        "manifest_sha256": sha256_of(path),
    }
    for folder, name in ((settings.archive, store.HEAD), (settings.state, store.MADE)):
        write_whole(folder / name, store.json_bytes(head))


def check_chain(settings: Settings) -> None:
    """Refuse to build on a broken chain: the next close would vouch for what was changed or lost."""
    for close_id, problem in chain_problems(settings):
        raise ScorecardError(
            f"The archive of closes is broken at {close_id or store.HEAD}: {problem}",
            f"Restore {settings.archive} from a backup; `scorecard verify` lists all that is broken. If it is lost for "
            f"good, delete {settings.state / store.MADE}, too: the next close then begins a new chain.",
        )


def mend_head(settings: Settings, earlier: list[dict[str, Any]]) -> None:
    """Catch up after a run that was killed between a close and its entry in the chain's head; never more than one."""
    if earlier and store.read_head(settings)["sequence"] == earlier[-1]["sequence"] - 1:
        write_head(settings, earlier[-1])


def sweep(settings: Settings) -> None:
    """Remove what a killed run left half written."""
    for leftover in settings.archive.glob(f"{store.TEMPORARY}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
