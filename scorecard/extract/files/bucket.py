"""Exports in a bucket: S3, or a service with the same API.

The list of the bucket (name, size, ETag) shows which files changed. A changed file is copied, and read as a local file.
A copy that differs from the list is discarded. A version is copied once, even if it is suspect or unreadable.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from scorecard.extract.contracts.contract import ObjectContract, SourceContract, is_pattern, matching
from scorecard.extract.files.originals import ExportFile, Originals
from scorecard.extract.raw.raw_tables import Cursor
from scorecard.shared.address import refuse_unfit
from scorecard.shared.errors import ScorecardError
from scorecard.shared.files import sha256_of, write_whole
from scorecard.shared.settings import Connection, Settings
from scorecard.shared.text import plain

TIMEOUT = {"connect_timeout": 10, "read_timeout": 60, "retries": {"mode": "standard", "max_attempts": 5}}
"""Seconds to connect and between two bytes, and how often a request is tried."""


@dataclass(frozen=True)
class BucketFile:
    """A file in the bucket's list."""

    name: str
    size: int
    tag: str
    # A list and a response give it with different precision.
    written_at: datetime = field(compare=False)


class Bucket:
    """The exports of a source below a prefix of a bucket."""

    def __init__(
        self, settings: Settings, source: SourceContract, cursors: dict[str, Cursor], originals: Originals
    ) -> None:
        self.source, self.cursors = source, cursors
        self.settings, self.originals = settings, originals
        self.copies = settings.state / "buckets" / f"{source.name}.json"
        self.url = settings.sources[source.name].url.rstrip("/")
        self.root = self.url.removeprefix("s3://")
        connection = settings.connections.get(source.name, Connection())
        # Requests are signed: the secret itself is not sent.
        refuse_unfit(source.name, connection.host, encrypted=False)
        self.who = (
            f"{self.url}, with {f'the key {connection.login}' if connection.login else 'the role of this machine'}"
        )
        self.files = _connect(connection)
        self._listed: list[BucketFile] | None = None

    def is_as_loaded(self, contract: ObjectContract) -> bool:
        """Whether the list has the same versions of an export as when it was last loaded."""
        last = self.cursors.get(contract.name)
        files = self._files_of(contract)
        return bool(files) and last is not None and last.text == _as_json(files)

    def listing(self, contract: ObjectContract) -> str:
        """Return name, size and ETag of each file of an export, as JSON: the cursor of the export."""
        return _as_json(self._files_of(contract))

    def written_at(self, contract: ObjectContract) -> list[tuple[str, datetime]]:
        """Return the name of each file of an export, and when it was written according to the list."""
        return [(file.name, file.written_at) for file in self._files_of(contract)]

    def fetch(self, contract: ObjectContract) -> list[ExportFile]:
        """Return the files of an export as local copies. A version that has an original is not copied again.

        Raises
        ------
        ScorecardError: the bucket has no file of the export, or a file can't be copied.
        """
        files = self._files_of(contract)
        if not files:
            names = plain(", ".join(file.name for file in self._list()))
            raise ScorecardError(
                f"The bucket lacks {self.url}/{contract.file}; below {self.url} it has {names or 'no file'}.",
                f"Put the export there, or correct config.meta.file of {contract.name} in {contract.declared_in}.",
            )
        return [self._copy(file, f"{contract.name}-{number}") for number, file in enumerate(files)]

    def names(self, contract: ObjectContract) -> list[str]:
        """Return the names of an export's files, none if there are none."""
        return [file.name for file in self._files_of(contract)]

    def _files_of(self, contract: ObjectContract) -> list[BucketFile]:
        by_name = {file.name: file for file in self._list()}
        if is_pattern(contract.file):
            return [by_name[name] for name in matching(list(by_name), contract.file)]
        return [by_name[contract.file]] if contract.file in by_name else []

    def _list(self) -> list[BucketFile]:
        """List all files below the prefix; the bucket is asked once."""
        if self._listed is None:
            with self._clear_errors("listed"):
                infos: dict[str, dict[str, Any]] = self.files.find(self.root, detail=True)
            named = {path.removeprefix(f"{self.root}/"): info for path, info in sorted(infos.items())}
            # An empty file whose name ends in a slash is a folder.
            self._listed = [_bucket_file(name, info) for name, info in named.items() if name and not name.endswith("/")]
        return self._listed

    def _copy(self, listed: BucketFile, name: str) -> ExportFile:
        """Copy a file, unless the archive has its version. The copy gets its own name: the bucket's may be any text."""
        sha256 = self._copied().get(self._version(listed), "")
        if sha256 and (copy := self.settings.original(sha256)).exists():
            self.originals.touch([sha256])
            return ExportFile(f"{self.source.name}/{listed.name}", copy, sha256)
        path = self.originals.work / f"{name}{PurePath(listed.name).suffix.lower()}"
        with self._clear_errors("read", listed.name):
            self.files.get_file(f"{self.root}/{listed.name}", str(path))
            now = _bucket_file(listed.name, self.files.info(f"{self.root}/{listed.name}", refresh=True))
        if now != listed or path.stat().st_size != listed.size:
            raise ScorecardError(
                f"{self.url}/{listed.name} changed while it was copied.",
                "Run again once it is complete.",
            )
        sha256 = sha256_of(path)
        copy = self.originals.take(path, sha256)
        self._note(listed, sha256)
        return ExportFile(f"{self.source.name}/{listed.name}", copy, sha256)

    def _version(self, listed: BucketFile) -> str:
        return json.dumps([self.url, listed.name, listed.size, listed.tag])

    def _copied(self) -> dict[str, str]:
        """Read the SHA-256 of each version that was copied, none if they can't be read: all are copied again."""
        try:
            copied: dict[str, str] = json.loads(self.copies.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return copied

    def _note(self, listed: BucketFile, sha256: str) -> None:
        """Note that a version was copied, and forget versions that the bucket no longer has."""
        listed_now = {self._version(listed_file) for listed_file in self._list()}
        copied = {version: sha for version, sha in self._copied().items() if version in listed_now}
        write_whole(self.copies, json.dumps({**copied, self._version(listed): sha256}, indent=1).encode())

    @contextmanager
    def _clear_errors(self, done: str, file: str = "") -> Iterator[None]:
        """Turn an error of the bucket, or of a file in it, into a ScorecardError. done: "listed" or "read"."""
        from botocore.exceptions import BotoCoreError, ClientError

        name = self.source.name
        rights = (
            f"Look at the connection scorecard_{name}: login and password are an access key's id and secret, which need"
            " s3:ListBucket on the bucket and s3:GetObject below the prefix."
        )
        place = f"{self.url}/{file}" if file else self.url
        try:
            yield
        except FileNotFoundError as error:
            raise ScorecardError(
                f"{place} cannot be {done}: {_message(error)}.",
                "The file was deleted after it was listed. Run again."
                if file
                else f"Correct `url` in [sources.{name}] of scorecard.toml, or create the bucket.",
            ) from None
        except (PermissionError, ClientError) as error:
            raise ScorecardError(f"{self.url} may not be {done}: {_message(error)}.", rights) from None
        except (BotoCoreError, OSError) as error:
            raise ScorecardError(
                f"{self.url} cannot be {done}: {_message(error)}.",
                f"Run again later. If it stays so, look at host and extra.region of the connection scorecard_{name}.",
            ) from None


def _connect(connection: Connection) -> Any:
    """Return the file system of the bucket. If the connection has no key, it uses the machine's own role."""
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


def _bucket_file(name: str, info: dict[str, Any]) -> BucketFile:
    return BucketFile(name, int(info["size"]), str(info["ETag"]), info["LastModified"])


def _as_json(files: list[BucketFile]) -> str:
    return json.dumps([[file.name, file.size, file.tag] for file in files])


def _message(error: BaseException) -> str:
    """Return the message of the service, which the libraries wrap."""
    cause: BaseException = error.__cause__ or error
    response = getattr(cause, "response", None) or {}
    message = response.get("Error", {}).get("Message") if isinstance(response, dict) else None
    return plain(str(message or error)).rstrip(".")
