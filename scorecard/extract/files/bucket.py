"""Exports in a bucket: S3, or a service that speaks its language.

The bucket's list (name, size, ETag) says what has changed. What has is copied and read as a local file; a copy that
isn't what the list said is given up. What was copied once is not copied again, be it loaded, suspect or unreadable.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from scorecard.extract.contracts.contract import ObjectContract, SourceContract
from scorecard.extract.files.folder import Export, is_pattern, matching
from scorecard.extract.files.originals import Originals
from scorecard.extract.raw.state import Cursor
from scorecard.shared.address import refuse_unfit
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import write_whole
from scorecard.shared.settings import Connection, Settings
from scorecard.shared.text import plain

TIMEOUT = {"connect_timeout": 10, "read_timeout": 60, "retries": {"mode": "standard", "max_attempts": 5}}
"""Seconds to connect and between two bytes; how often a request is tried."""


@dataclass(frozen=True)
class _Listed:
    """A file as the bucket's list has it."""

    name: str
    size: int
    tag: str
    # A list and an answer tell it with different precision.
    written_at: datetime = field(compare=False)


class Bucket:
    """The exports of a source below a prefix of a bucket."""

    def __init__(self, settings: Settings, source: SourceContract, known: dict[str, Cursor], work: Path) -> None:
        self.source, self.known, self.work = source, known, work
        self.settings, self.originals = settings, Originals(settings, work)
        self.copies = settings.state / "buckets" / f"{source.name}.json"
        self.url = settings.sources[source.name].url.rstrip("/")
        self.root = self.url.removeprefix("s3://")
        connection = settings.connections.get(source.name, Connection())
        # Requests are signed: the secret itself does not travel.
        refuse_unfit(source.name, connection.host, encrypted=False)
        self.who = (
            f"{self.url}, with {f'the key {connection.login}' if connection.login else 'the role of this machine'}"
        )
        self.files = _connect(connection)
        self._there: list[_Listed] | None = None

    def is_as_loaded(self, contract: ObjectContract) -> bool:
        """Whether the list says of an export what it said when the export was last loaded."""
        last = self.known.get(contract.name)
        found = self._of(contract)
        return bool(found) and last is not None and last.text == _text(found)

    def listed(self, contracts: dict[ObjectContract, list[Export]]) -> dict[ObjectContract, str]:
        """Return what the list says of exports."""
        return {contract: _text(self._of(contract)) for contract in contracts}

    def written(self, contract: ObjectContract) -> list[tuple[str, datetime]]:
        """Return the files of an export, each with the time that the list says it was written at."""
        return [(each.name, each.written_at) for each in self._of(contract)]

    def fetch(self, contract: ObjectContract) -> list[Export]:
        """Copy the files of an export. Raises ScorecardError where there is none, or one can't be copied."""
        found = self._of(contract)
        if not found:
            there = plain(", ".join(each.name for each in self._list()))
            raise ScorecardError(
                f"{self.url}/{contract.file} is not there; {self.url} has {there or 'no file'}.",
                f"Put the export there, or correct config.meta.file of {contract.name} in {contract.declared_in}.",
            )
        return [self._copy(each, f"{contract.name}-{number}") for number, each in enumerate(found)]

    def names(self, contract: ObjectContract) -> list[str]:
        """Return the names of an export's files, none where it isn't there."""
        return [each.name for each in self._of(contract)]

    def _of(self, contract: ObjectContract) -> list[_Listed]:
        there = {each.name: each for each in self._list()}
        if is_pattern(contract.file):
            return [there[name] for name in matching(list(there), contract.file)]
        return [there[contract.file]] if contract.file in there else []

    def _list(self) -> list[_Listed]:
        """List all that is below the prefix, once."""
        if self._there is None:
            with self._refusals("list"):
                found: dict[str, dict[str, Any]] = self.files.find(self.root, detail=True)
            named = {path.removeprefix(f"{self.root}/"): info for path, info in sorted(found.items())}
            # An empty file whose name ends in a slash stands for a folder.
            self._there = [_listed(name, info) for name, info in named.items() if name and not name.endswith("/")]
        return self._there

    def _copy(self, listed: _Listed, name: str) -> Export:
        """Copy a file under a name of our own, unless that version is there: its name in the bucket may be any text."""
        sha256 = self._copied().get(self._version(listed), "")
        if sha256 and (kept := self.settings.original(sha256)).exists():
            self.originals.touch([sha256])
            return Export(f"{self.source.name}/{listed.name}", kept, sha256)
        path = self.work / f"{name}{PurePath(listed.name).suffix.lower()}"
        with self._refusals("read"):
            self.files.get_file(f"{self.root}/{listed.name}", str(path))
            now = _listed(listed.name, self.files.info(f"{self.root}/{listed.name}", refresh=True))
        if now != listed or path.stat().st_size != listed.size:
            raise ScorecardError(
                f"{self.url}/{listed.name} changed while it was copied.",
                "Run again once it is complete.",
            )
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        kept = self.originals.take(path, sha256)
        self._note(listed, sha256)
        return Export(f"{self.source.name}/{listed.name}", kept, sha256)

    def _version(self, listed: _Listed) -> str:
        return json.dumps([self.url, listed.name, listed.size, listed.tag])

    def _copied(self) -> dict[str, str]:
        """Read which versions were copied, with the SHA-256 of each; without the list all are copied again."""
        try:
            copied: dict[str, str] = json.loads(self.copies.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return copied

    def _note(self, listed: _Listed, sha256: str) -> None:
        """Note that a version was copied; those that the bucket has no more are forgotten."""
        listed_now = {self._version(listed_file) for listed_file in self._list()}
        copied = {version: copy for version, copy in self._copied().items() if version in listed_now}
        write_whole(self.copies, json.dumps({**copied, self._version(listed): sha256}, indent=1).encode())

    @contextmanager
    def _refusals(self, what: str) -> Iterator[None]:
        """Say in a sentence why the bucket can't be listed or read."""
        from botocore.exceptions import BotoCoreError, ClientError

        name = self.source.name
        rights = (
            f"Look at the connection scorecard_{name}: login and password are an access key's id and secret, which need"
            " s3:ListBucket on the bucket and s3:GetObject below the prefix."
        )
        try:
            yield
        except FileNotFoundError as error:
            raise ScorecardError(
                f"{self.url} cannot be {what}: {_said(error)}.",
                f"Correct `url` of the source {name} in [sources.{name}] of scorecard.toml, or make the bucket.",
            ) from None
        except (PermissionError, ClientError) as error:
            raise ScorecardError(f"{self.url} may not be {what}: {_said(error)}.", rights) from None
        except (BotoCoreError, OSError) as error:
            raise ScorecardError(
                f"{self.url} cannot be {what}: {_said(error)}.",
                f"Run again later. If it stays so, look at host and extra.region of the connection scorecard_{name}.",
            ) from None


def _connect(connection: Connection) -> Any:
    """Return the file system of the bucket; without a key in the connection, with the machine's own role."""
    import s3fs

    extra = {name: value.get_secret_value() for name, value in connection.extra.items()}
    return s3fs.S3FileSystem(
        key=connection.login or None,
        secret=connection.password.get_secret_value() or None,
        token=extra.get("token"),
        endpoint_url=connection.host or None,
        client_kwargs={"region_name": extra["region"]} if "region" in extra else {},
        config_kwargs=TIMEOUT,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def _listed(name: str, info: dict[str, Any]) -> _Listed:
    return _Listed(name, int(info["size"]), str(info["ETag"]), info["LastModified"])


def _text(found: list[_Listed]) -> str:
    return json.dumps([[each.name, each.size, each.tag] for each in found])


def _said(error: BaseException) -> str:
    """Return what a service says of a refusal; the libraries wrap it in words of their own."""
    cause: BaseException = error.__cause__ or error
    response = getattr(cause, "response", None) or {}
    said = response.get("Error", {}).get("Message") if isinstance(response, dict) else None
    return plain(str(said or error)).rstrip(".")
