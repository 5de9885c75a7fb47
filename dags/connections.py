"""The settings of the DAGs: they include the connections that Airflow keeps, with their secrets."""

from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from pydantic import ValidationError

from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, Settings, load_settings, read_settings, wrong

SMTP_CONNECTION = "scorecard_smtp"


def settings_of(source: str) -> Settings:
    """Return the settings, with the connection `scorecard_<source>` if Airflow has one."""
    read = load_settings()
    try:
        stored = BaseHook.get_connection(f"scorecard_{source}")
    except AirflowNotFoundException:
        return read
    given = {"host": stored.host, "login": stored.login, "password": stored.password, "extra": stored.extra_dejson}
    try:
        connection = Connection.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        raise ScorecardError(
            wrong(error, "connections", source).problem,
            f"Correct the Airflow connection scorecard_{source}. All values of its extra are texts.",
        ) from None
    return read.model_copy(update={"connections": {**read.connections, source: connection}})


def settings() -> Settings:
    """Return the settings, with the mail server of the connection `scorecard_smtp` where there is one.

    TLS is used unless the connection says `disable_tls` or the server is this machine: on port 465 from the start, else
    by STARTTLS.
    """
    try:
        server = BaseHook.get_connection(SMTP_CONNECTION)
    except AirflowNotFoundException:
        return load_settings()
    given = {"host": server.host, "port": server.port, "user": server.login, "password": server.password}
    mail: dict[str, Any] = {f"smtp_{name}": value for name, value in given.items() if value}
    plain = str(server.extra_dejson.get("disable_tls", False)).lower() == "true"
    return read_settings(**mail, **({"smtp_starttls": False} if plain else {}))
