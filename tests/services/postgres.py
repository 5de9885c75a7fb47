"""A PostgreSQL of the tests' own: in a temporary folder, on a free port, gone when they end."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg2

PASSWORD = "s3cret'; drop"
READER = "reader"

# The connector asks for now(), which the database's clock answers: here a table, so that a test may move it.
FRESH = """
    drop schema public cascade; create schema public; grant usage on schema public to reader;
    create table clock (at timestamptz); insert into clock values ('2024-01-01 00:00:00+00');
    create function now() returns timestamptz stable language sql as 'select at from public.clock';
    grant select on clock to reader;
"""


def program(name: str) -> str:
    """Debian keeps the server's programs out of the PATH."""
    path = shutil.which(name) or next(
        (str(candidate) for candidate in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None
    )
    assert path, f"{name} is not installed: run tools/set-up"
    return path


class Postgres:
    """A running server with one database, whose user `reader` may read what it is granted."""

    def __init__(self) -> None:
        self.root = Path(mkdtemp(prefix="postgres-"))
        # The server refuses to run as root.
        self.as_user = {"user": "postgres", "group": "postgres", "extra_groups": ()} if os.getuid() == 0 else {}
        if self.as_user:
            owner = pwd.getpwnam("postgres")
            os.chown(self.root, owner.pw_uid, owner.pw_gid)
        data = self.root / "data"
        make = [program("initdb"), "-D", str(data), "-U", "admin", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8"]
        (self.root / "password").write_text(PASSWORD)
        make += ["--locale=C.UTF-8", f"--pwfile={self.root / 'password'}"]
        subprocess.run(make, check=True, capture_output=True, cwd=self.root, **self.as_user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "fsync": "off", "timezone": "Asia/Tokyo"}
        given = [f"-c{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(
            [program("postgres"), "-D", str(data), "-k", str(self.root), *given],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.root,
            **self.as_user,
        )
        self.admin = self._admin()
        self.sql(
            f"create role {READER} login password %s; alter role {READER} set search_path = public, pg_catalog",
            PASSWORD,
        )

    def _admin(self) -> Any:
        for _ in range(600):
            with suppress(psycopg2.OperationalError):
                connection = psycopg2.connect(
                    host="127.0.0.1", port=self.port, dbname="postgres", user="admin", password=PASSWORD
                )
                connection.autocommit = True
                return connection
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not start")

    @property
    def url(self) -> str:
        return f"postgresql://127.0.0.1:{self.port}/postgres"

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run statements as the administrator, each committed."""
        with self.admin.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def fresh(self) -> None:
        """Drop what a test made."""
        self.sql(FRESH)

    def set_clock(self, at: datetime | str) -> None:
        self.sql("update clock set at = %s", at)

    def stop(self) -> None:
        self.admin.close()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        shutil.rmtree(self.root)
