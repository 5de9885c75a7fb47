"""Connections to a database, and their errors."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import exc

from scorecard.extract.services.sql.settings import CONNECT_SECONDS
from scorecard.shared.errors import ScorecardError
from scorecard.shared.hosts import is_loopback
from scorecard.shared.settings import Connection
from scorecard.shared.text import plain

FORM = "postgresql://db.example.com:5432/telephony?sslmode=verify-full"
"""An address, as an example in errors."""

_DENIED, _GONE = "42501", ("42P01", "3F000")
"""Codes of PostgreSQL's errors."""


class Denied(ScorecardError):
    """The user lacks a right to read."""


def connect(name: str, connection: Connection) -> sa.Engine:
    """Return the engine of a database; nothing is sent yet.

    Raises
    ------
    ScorecardError: the connection has no usable address or login, or no driver for its database is installed.
    """
    wanted = f"Set host of the connection scorecard_{name} to its address, as {FORM}, and login and password beside it."
    try:
        if not connection.host.isprintable():
            raise ValueError
        url = sa.make_url(connection.host)
    except (exc.ArgumentError, ValueError):
        # A port that is no number is a ValueError.
        raise ScorecardError(
            f"The host of the connection scorecard_{name} is no address of a database.", wanted
        ) from None
    if url.password or url.username or "password" in url.query:
        raise ScorecardError(f"The host of the connection scorecard_{name} holds a user or a password.", wanted)
    url = encrypted(name, url)
    kind = url.drivername.partition("+")[0]
    if connection.login:
        url = url.set(username=connection.login, password=connection.password.get_secret_value())
    given = {"connect_timeout": CONNECT_SECONDS, "client_encoding": "utf8"} if url.host and "postgres" in kind else {}
    try:
        return sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True, connect_args=given)
    except (exc.NoSuchModuleError, ModuleNotFoundError):
        raise ScorecardError(
            f"No driver for {plain(kind)}, the database of the connection scorecard_{name}, is installed.",
            "PostgreSQL's is. For another, add its driver to pyproject.toml and requirements.lock.",
        ) from None


def encrypted(name: str, url: sa.URL) -> sa.URL:
    """Return the address of a database with TLS switched on and the server's certificate verified.

    This machine's own databases keep their address, and so does one that has options of TLS.

    Raises
    ------
    ScorecardError: the address allows a connection in the clear where the server prefers one, or it is of a database
        with another driver, and has no option of TLS.
    """
    kind = url.drivername.partition("+")[0]
    is_postgres = kind in ("postgres", "postgresql")
    if is_postgres:
        url = url.set(drivername="postgresql+psycopg2")
    if not url.host or is_loopback(url.host):
        return url
    if not is_postgres:
        if any(word in option.lower() for option in url.query for word in ("ssl", "tls", "encrypt")):
            return url
        raise ScorecardError(
            f"The host of the connection scorecard_{name} doesn't say how traffic to {plain(kind)} is encrypted.",
            "Add the option of its driver that switches TLS on and verifies the certificate to the address; an option"
            " that switches it off is accepted, too.",
        )
    mode = str(url.query.get("sslmode", "verify-full"))
    if mode in ("allow", "prefer"):
        raise ScorecardError(
            f"The host of the connection scorecard_{name} has sslmode={mode}: the password may be sent in the clear.",
            "Write sslmode=verify-full (or leave it out), or sslmode=require where the certificate can't be verified.",
        )
    options = {"sslmode": mode}
    authorities = ssl.get_default_verify_paths().cafile
    if mode.startswith("verify") and authorities:
        options["sslrootcert"] = authorities
    return url.update_query_dict({key: value for key, value in options.items() if key not in url.query})


@contextmanager
def session(name: str, engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that only reads and sees one state of the database.

    Raises
    ------
    ScorecardError: the database can't be reached, doesn't let us in, or refuses a query.
    """
    try:
        db = engine.connect()
    except exc.DBAPIError as error:
        raise ScorecardError(
            f"The connection scorecard_{name} to its database failed: {_message(error)}.",
            f"If the message names a password, a user or a database, check login and password of the connection"
            f" scorecard_{name}, and the database's name in its host. Otherwise check the address and whether the"
            " database runs, and run again.",
        ) from None
    try:
        with db:
            if engine.dialect.name == "postgresql":
                db = db.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                db.execute(sa.text("set local timezone to 'UTC'"))
                db.execute(sa.text("set local extra_float_digits to 3"))
            yield db
    except exc.DBAPIError as error:
        raise _refusal(name, error) from None


def _refusal(name: str, error: exc.DBAPIError) -> ScorecardError:
    code = getattr(error.orig, "pgcode", None)
    if code == _DENIED:
        return Denied(
            f"The database refuses the user of the connection scorecard_{name}: {_message(error)}.",
            "Grant the user usage on the schema and select on the table, or on the columns of the contract.",
        )
    if code in _GONE:
        return ScorecardError(
            f"The database of the connection scorecard_{name} has no such table or schema: {_message(error)}.",
            f"Correct config.meta.object of that table in the _sources.yml of the source {name}, or ask the owner of"
            " the database to restore the table.",
        )
    return ScorecardError(
        f"The reading of the database of the connection scorecard_{name} broke off: {_message(error)}.",
        "Run again: what was loaded is kept. If it happens again, look for the reason in the log of the database.",
    )


def _message(error: exc.DBAPIError) -> str:
    """Return the first line of the database's message; statements and values are left out."""
    return plain(str(error.orig).strip().partition("\n")[0]).rstrip(".") or type(error.orig).__name__
