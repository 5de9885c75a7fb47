"""Which connector reads a service, what a person may ask before anything is extracted, and the page of a record."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from scorecard.catalogue import declared_as
from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.files.folder import Folder
from scorecard.extract.files.originals import Originals
from scorecard.extract.services.response import understood
from scorecard.extract.services.service import Service
from scorecard.shared.address import refuse_unfit
from scorecard.shared.errors import ScorecardError
from scorecard.shared.plugins import services
from scorecard.shared.settings import Connection, Settings
from scorecard.shared.settings_file import NAME
from scorecard.shared.text import plain


@dataclass(frozen=True)
class SourceCheck:
    """The state of a source before an extraction. ``missing`` are sentences, none if nothing is missing."""

    source: str
    reached: bool
    who: str
    reads: tuple[str, ...]
    missing: tuple[str, ...]


def connector(settings: Settings, source: SourceContract) -> Service:
    """Connect to the service of a source.

    Raises
    ------
    ScorecardError: there is no such connector, the source has no settings or wrong ones, or the service does not let us
        in.
    """
    own = settings.services.get(source.name)
    if own is None:
        raise ScorecardError(
            f"The service {source.name} has no settings.",
            f"Add [services.{source.name}] with business_unit and currency to {settings.project / NAME}.",
        )
    _refuse_unknown(own.objects, source)
    connection = settings.connections.get(source.name, Connection()).of(source.name)
    plugin = _plugin(source)
    if plugin.speaks_http:
        refuse_unfit(source.name, connection.host)
    return plugin(source.name, own, connection)


def _plugin(source: SourceContract) -> type[Service]:
    """Return the connector's class, which its package names `CONNECTOR`."""
    if source.service not in services():
        raise ScorecardError(
            f"There is no connector for the service {source.service!r}.",
            f"Correct config.meta.service in {source.declared_in}; there is: {', '.join(services())}.",
        )
    plugin: type[Service] = import_module(f"scorecard.extract.services.{source.service}").CONNECTOR
    return plugin


def _refuse_unknown(objects: tuple[str, ...], source: SourceContract) -> None:
    """Refuse names of raw tables that the source doesn't have: nothing would be read."""
    names = [contract.name for contract in source.objects]
    if unknown := [plain(name) for name in objects if name not in names]:
        raise ScorecardError(
            f"The source {source.name} has no raw table {', '.join(unknown)}, which `objects` of its settings names.",
            f"Correct `objects` in [services.{source.name}]; there is: {', '.join(sorted(names))}.",
        )


def record_url(settings: Settings, source: str, table: str, record_id: str) -> str | None:
    """Return the address of a record's page at its service; None of a record of a file, or where it isn't known.

    It is made of the settings alone: no request is made, no secret is read. A connector that knows the address has the
    function `record_url(host, table, record_id)` in its settings.

    Parameters
    ----------
    table: the raw table that the record is in.
    """
    service = declared_as(settings, source)
    if source not in settings.services or service not in services():
        return None
    url_at_service = getattr(import_module(f"scorecard.extract.services.{service}.settings"), "record_url", None)
    if url_at_service is None:
        return None
    url: str | None = url_at_service(settings.connections.get(source, Connection()).host, table, record_id)
    return url


def check(settings: Settings, sources: dict[str, SourceContract]) -> Iterator[SourceCheck]:
    """Yield for each source whether it can be reached, as whom, what it may read and what is missing."""
    for source in sources.values():
        yield _service(settings, source) if source.service else _exports(settings, source)


def _exports(settings: Settings, source: SourceContract) -> SourceCheck:
    if source.name in settings.sources:
        return _bucket(settings, source)
    folder = Folder(settings, source, Originals(settings, settings.state))
    files = {
        contract.file: [name for name in folder.names(contract) if (folder.path / name).is_file()]
        for contract in source.objects
    }
    # Files that people write may be missing.
    expected = {file: names for file, names in files.items() if names or not source.folder}
    return _checked(source, folder.path.is_dir(), f"folder {folder.path}", expected)


def _bucket(settings: Settings, source: SourceContract) -> SourceCheck:
    from scorecard.extract.files.bucket import Bucket

    try:
        bucket = Bucket(settings, source, {}, Originals(settings, settings.state))
        files = {contract.file: bucket.names(contract) for contract in source.objects}
    except ScorecardError as error:
        return SourceCheck(source.name, False, "nobody", (), (str(error),))
    return _checked(source, True, bucket.who, files)


def _checked(source: SourceContract, reached: bool, who: str, files: dict[str, list[str]]) -> SourceCheck:
    missing = tuple(f"{source.name}/{file} is not there" for file, names in files.items() if not names)
    return SourceCheck(source.name, reached, who, tuple(file for file, names in files.items() if names), missing)


def _service(settings: Settings, source: SourceContract) -> SourceCheck:
    try:
        with understood(source.name, "the user of the connection"):
            service = connector(settings, source)
            who = service.who()
    except ScorecardError as error:
        return SourceCheck(source.name, False, "nobody", (), (str(error),))
    wanted = settings.services[source.name].objects
    reads, missing = [], []
    for contract in source.objects:
        if wanted and contract.name not in wanted:
            continue
        try:
            with understood(source.name, contract.object):
                service.check(contract)
            reads.append(contract.object)
        except ScorecardError as error:
            missing.append(str(error))
    return SourceCheck(source.name, True, who, tuple(dict.fromkeys(reads)), tuple(missing))
