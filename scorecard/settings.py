"""What differs between one company or machine and another.

Read from ``[tool.scorecard]`` in pyproject.toml, then from ``SCORECARD_<FIELD>`` in the environment, which wins.
"""

from functools import cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
)

from scorecard.errors import ScorecardError

PROJECT = Path(__file__).resolve().parent.parent


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone that this machine knows") from error
    return name


class Settings(BaseSettings):
    """Settings of one installation. Paths are absolute; relative ones are taken from the project's root."""

    model_config = SettingsConfigDict(
        env_prefix="SCORECARD_",
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
