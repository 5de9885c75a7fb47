"""Settings: what differs between companies and machines.

Read from scorecard.toml in the project's folder, then from ``SCORECARD_<FIELD>`` in the environment, which wins.
"""

import os
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StrictFloat, StrictInt, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import FiscalYear
from scorecard.shared.redaction import hide
from scorecard.shared.settings_errors import no_json, refuse_unknown_variables, wrong_setting
from scorecard.shared.settings_file import read_file, settings_file

PROJECT = Path(__file__).resolve().parents[2]

NO_SECRETS = ("audience", "region", "username")
"""What the `extra` of a connection may hold that errors should name."""

ADDRESS = r"^[^@\s<>]+@[^@\s<>]+$"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone that this machine knows") from error
    return name


class ServiceSettings(BaseModel):
    """How a service is read. Its `_sources.yml` says the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(default="", description="that it is an account of; none: the one it is named after")
    business_unit: str
    currency: str = Field(pattern="^[A-Z]{3}$", description="of records that name none, ISO 4217")
    start_date: date | None = Field(default=None, description="facts of before are left out; none: all are read")
    objects: tuple[str, ...] = Field(default=(), description="raw tables to extract; none: all that are declared")
    overlap_seconds: int = Field(default=600, ge=0, description="read again, for records that were committed late")
    page_size: int | None = Field(default=None, ge=1, description="none: the largest that the service allows")
    concurrency: int = Field(default=2, ge=1, le=16, description="objects that are read at the same time")
    bulk_above: int = Field(default=50_000, ge=0, description="records from which a service that can is asked in bulk")
    reconcile_days: int = Field(default=7, ge=1, description="how often the ids are compared, for deletes unseen")
    quota_reserve: float = Field(
        default=0.05, ge=0, lt=1, description="share of the service's daily requests that is left to others"
    )
    keep_new_fields: bool = Field(default=True, description="whether fields that nobody declared are kept, as JSON")


class SourceSettings(BaseModel):
    """Where the exports of a source lie, if not in its folder below the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^s3://[^/?#@\s]+(/[^?#\s]*)?$", description="bucket and prefix, s3://bucket/prefix")


class Connection(BaseModel):
    """Where a service is and who asks; the fields of an Airflow connection."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = ""
    login: str = ""
    password: SecretStr = SecretStr("")
    extra: dict[str, SecretStr] = Field(default_factory=dict)
    _source: str = ""

    def model_post_init(self, _context: object) -> None:
        """Take its secrets out of every message from now on."""
        hide(self.password.get_secret_value())
        hide(*(text.get_secret_value() for name, text in self.extra.items() if name not in NO_SECRETS))

    def of(self, source: str) -> "Connection":
        """Return the connection with the name of its source, for errors to name it."""
        named = self.model_copy()
        named._source = source
        return named

    def secret(self, name: str) -> str:
        """Return the password, or a secret of `extra` by its name, fit for a header; "" where there is none.

        Raises
        ------
        ScorecardError: it has a character that no header can carry. A later error would print the secret.
        """
        secret = self.password if name == "password" else self.extra.get(name, SecretStr(""))
        text = secret.get_secret_value().strip()
        if not text.isascii() or not text.isprintable():
            field = name if name == "password" else f"extra.{name}"
            connection = f"the connection scorecard_{self._source}" if self._source else "the connection"
            raise ScorecardError(
                f"The {field} of {connection} has a control character or one that is not ASCII.",
                "Copy it again from the service; a character was changed or added on the way.",
            )
        return text


class Settings(BaseSettings):
    """Settings of one installation. Paths are absolute; relative ones are taken from the project's root."""

    model_config = SettingsConfigDict(
        env_prefix="SCORECARD_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    company: str
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(description="IANA name; periods begin here")
    currency: str = Field(pattern="^[A-Z]{3}$", description="reporting currency, ISO 4217")
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    fiscal_year_named_after: Literal["start", "end"] = Field(
        default="end", description="FY2018 is the year that ends in 2018, or the one that starts in it"
    )
    owner_email: str = Field(pattern=ADDRESS, description="told when a scorecard is held back")

    project: Path = PROJECT
    data: Path = Path("data")
    state: Path = Path("var")
    out: Path = Path("out")

    task_retries: int = Field(default=3, ge=0, le=10, description="how often Airflow tries a failed task again")

    mail_from: str = Field(pattern=ADDRESS)
    smtp_host: str | None = Field(default=None, description="none: a local server that writes into out/mail")
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool | None = Field(default=None, description="none: unless the server is this machine")
    smtp_timeout: float = Field(default=30.0, gt=0, description="seconds to wait for one answer")
    smtp_total_timeout: float = Field(default=300.0, gt=0, description="seconds to log in, and for one letter")

    max_cells: int = Field(
        default=50_000_000, ge=1, description="cells that a workbook or a Parquet file may hold once it is unpacked"
    )
    max_text: int = Field(default=500_000_000, ge=1, description="characters in all of its cells")
    suspect_lost_records: int = Field(
        default=20, ge=1, description="a full export that lost this many records, and the share below, is suspect"
    )
    suspect_lost_share: float = Field(default=0.02, ge=0, le=1, description="more than this share of its records")
    suspect_lost_share_of_any_size: float = Field(
        default=0.2, ge=0, le=1, description="one that lost more than this share is suspect, however few records it had"
    )

    settle_seconds: float = Field(
        default=2.0, ge=0, le=60, description="an export that was written to so shortly before is waited for"
    )
    originals_days: int = Field(
        default=90, ge=1, description="days for which the copy of an export is kept after it was replaced"
    )

    sources: dict[str, SourceSettings] = Field(default={}, description="exports in a bucket, by source")
    services: dict[str, ServiceSettings] = Field(default={}, description="what to extract, by source")
    connections: dict[str, Connection] = Field(default={}, description="how to reach them, by source")
    parameters: dict[str, dict[str, dict[str, StrictInt | StrictFloat]]] = Field(
        default={}, description="numbers in place of a metric's defaults, by business unit, metric and parameter"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, and that over the settings file of the project that they name."""
        file = settings_file(_project(init_settings()))
        return init_settings, env_settings, InitSettingsSource(settings_cls, read_file(file))

    def model_post_init(self, _context: object) -> None:
        """Make the paths absolute, and take the password of the mail server out of every message."""
        if self.smtp_password:
            hide(self.smtp_password.get_secret_value())
        object.__setattr__(self, "project", self.project if self.project.is_absolute() else self.project.resolve())
        for name in ("data", "state", "out"):
            path = getattr(self, name)
            object.__setattr__(self, name, path if path.is_absolute() else (self.project / path).resolve())

    @property
    def file(self) -> Path:
        """The file that the settings were read from: the company's, or the example's where a company has none."""
        return settings_file(self.project)

    @property
    def fiscal(self) -> FiscalYear:
        """The company's fiscal year."""
        return FiscalYear(self.fiscal_year_start_month, self.fiscal_year_named_after)

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that one process at a time writes."""
        return self.state / "warehouse.duckdb"

    @property
    def snapshot(self) -> Path:
        """The read-only copy that reports, traces and people read; replaced by an atomic rename."""
        return self.state / "published.duckdb"

    @property
    def archive(self) -> Path:
        """The folder of closes."""
        return self.state / "closes"

    @property
    def ledger(self) -> Path:
        """The SQLite file that says what was mailed to whom."""
        return self.state / "deliveries.sqlite"

    @property
    def originals(self) -> Path:
        """The folder of the copies of exports, from which they are read."""
        return self.state / "originals"

    def original(self, sha256: str) -> Path:
        """The copy of a version of an export; it may have expired."""
        return self.originals / sha256[:2] / sha256

    @property
    def dbt_project(self) -> Path:
        """The dbt project."""
        return self.project / "dbt_project"


_BELOW: dict[str, type[BaseModel]] = {
    "sources": SourceSettings,
    "services": ServiceSettings,
    "connections": Connection,
}
"""What the settings by source are made of."""


@cache
def load_settings() -> Settings:
    """Read the settings once. Raises as `read_settings`."""
    return read_settings()


def read_settings(**given: Any) -> Settings:
    """Read the settings; arguments win.

    Raises
    ------
    ScorecardError: a setting is missing or wrong. The error leaves out its value, which may be a secret.
    """
    refuse_unknown_variables({*Settings.model_fields})
    try:
        return Settings(**given)
    except ValidationError as error:
        raise wrong(error, project=_project(given)) from None
    except SettingsError:
        raise no_json() from None


def _project(given: Mapping[str, Any]) -> Path:
    """Return the project's folder: as given, else as the environment has it, else the program's."""
    variables = (text for name, text in os.environ.items() if name.upper() == "SCORECARD_PROJECT")
    return Path(given.get("project") or next(variables, PROJECT)).resolve()


def wrong(error: ValidationError, *before: str, project: Path = PROJECT) -> ScorecardError:
    """Say which setting is wrong, below some names, and where it is written."""
    errors = error.errors(include_input=False, include_context=False)
    # A missing setting may stand under a misspelt name.
    first = next((detail for detail in errors if detail["type"] == "extra_forbidden"), errors[0])
    names = [*before, *(str(part) for part in first["loc"] if isinstance(part, str))]
    known = Settings.model_fields if len(names) == 1 else _BELOW.get(names[0], Settings).model_fields
    return wrong_setting(names, first["type"], first["msg"], known, settings_file(project))
