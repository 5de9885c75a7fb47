"""What differs between one company or machine and another.

Read from ``[tool.scorecard]`` in pyproject.toml, then from ``SCORECARD_<FIELD>`` in the environment, which wins.
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
)

from scorecard.errors import ScorecardError

SERVICES = ("hubspot", "salesforce", "stripe", "zendesk")
"""Sources that the product comes with; each is extracted once it has settings in ``services``."""

PROJECT = Path(__file__).resolve().parent.parent


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone that this machine knows") from error
    return name


class ServiceSettings(BaseModel):
    """How a service is read. The rest of what there is to know of it stands in its `_sources.yml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    business_unit: str
    currency: str = Field(pattern="^[A-Z]{3}$", description="of records that name none, ISO 4217")
    start_date: date | None = Field(default=None, description="older records are left out; none: all")
    objects: tuple[str, ...] = Field(default=(), description="raw tables to extract; none: all that are declared")
    overlap_seconds: int = Field(default=600, ge=0, description="read again, for records that were committed late")
    page_size: int | None = Field(default=None, ge=1, description="none: the largest that the service allows")
    concurrency: int = Field(default=2, ge=1, le=16, description="objects that are read at the same time")
    bulk_above: int = Field(default=50_000, ge=0, description="records from which Salesforce is asked in bulk")
    reconcile_days: int = Field(default=7, ge=1, description="how often the ids are compared, for deletes unseen")
    quota_reserve: float = Field(
        default=0.05, ge=0, lt=1, description="share of the service's daily requests that is left to others"
    )
    keep_new_fields: bool = Field(default=True, description="whether fields that nobody declared are kept, too")


class SourceSettings(BaseModel):
    """Where the exports of a source lie, if not in its folder below the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^s3://[^/?#@\s]+(/[^?#\s]*)?$", description="bucket and prefix, s3://bucket/prefix")


class Connection(BaseModel):
    """Where a service is and who asks; the fields of an Airflow connection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = ""
    login: str = ""
    password: SecretStr = SecretStr("")
    extra: dict[str, SecretStr] = Field(default_factory=dict)


class Settings(BaseSettings):
    """Settings of one installation. Paths are absolute; relative ones are taken from the project's root."""

    model_config = SettingsConfigDict(
        env_prefix="SCORECARD_",
        env_nested_delimiter="__",
        pyproject_toml_table_header=("tool", "scorecard"),
        extra="forbid",
        frozen=True,
    )

    company: str
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(description="IANA name; periods begin here")
    currency: str = Field(pattern="^[A-Z]{3}$", description="reporting currency, ISO 4217")
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    owner_email: str = Field(description="told when a scorecard is held back")

    project: Path = PROJECT
    data: Path = Path("data")
    state: Path = Path("var")
    out: Path = Path("out")

    mail_from: str
    smtp_host: str | None = Field(default=None, description="none: a local server that writes into out/mail")
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = False
    smtp_timeout: float = Field(default=30.0, gt=0)

    max_vanished_share: float = Field(
        default=0.5, ge=0, le=1, description="a full export that lost more of its rows than this is refused"
    )

    sources: dict[str, SourceSettings] = Field(default={}, description="exports in a bucket, by source")
    services: dict[str, ServiceSettings] = Field(default={}, description="what to extract, by source")
    connections: dict[str, Connection] = Field(default={}, description="how to reach them, by source")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, and that over pyproject.toml."""
        toml = PyprojectTomlConfigSettingsSource(settings_cls, PROJECT / "pyproject.toml")
        return init_settings, env_settings, toml

    def model_post_init(self, _context: object) -> None:
        """Make the paths absolute."""
        for name in ("project", "data", "state", "out"):
            path = getattr(self, name)
            object.__setattr__(self, name, path if path.is_absolute() else (self.project / path).resolve())

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
    def dbt_project(self) -> Path:
        """The dbt project."""
        return self.project / "dbt_project"


@cache
def load_settings() -> Settings:
    """Read the settings once.

    Raises
    ------
    ScorecardError: a setting is missing or wrong.
    """
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ScorecardError(
            f"The setting {name} is wrong: {first['msg']}.",
            f"Correct it in [tool.scorecard] of pyproject.toml or in SCORECARD_{name.upper()}.",
        ) from error
