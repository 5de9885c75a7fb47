"""How the connection to a database is encrypted: verified TLS, unless the database is on this machine."""

import socket
import struct
import threading

import pytest
import sqlalchemy as sa

from scorecard.extract.services.sql import Sql
from scorecard.extract.services.sql.connection import encrypted
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://db.example.com/telephony", "verify-full"),
        ("postgres://10.1.2.3:5432/telephony", "verify-full"),
        ("postgresql://db.example.com/telephony?sslmode=require", "require"),
        ("postgresql://db.example.com/telephony?sslmode=disable", "disable"),
        ("postgresql://127.0.0.1/telephony", None),
        ("postgresql://localhost/telephony", None),
        ("postgresql:///telephony?host=/var/run/postgresql", None),
    ],
)
def test_tls_is_verified_unless_the_address_says_otherwise(address: str, mode: str | None) -> None:
    url = encrypted("telephony", sa.make_url(address))
    assert url.query.get("sslmode") == mode
    assert ("sslrootcert" in url.query) == (mode == "verify-full")


@pytest.mark.parametrize("mode", ["allow", "prefer"])
def test_a_mode_that_may_fall_back_is_refused(mode: str) -> None:
    with pytest.raises(ScorecardError, match="in the clear") as caught:
        encrypted("telephony", sa.make_url(f"postgresql://db.example.com/telephony?sslmode={mode}"))
    assert "verify-full" in caught.value.cure


def test_another_database_has_to_say_how_it_is_encrypted() -> None:
    with pytest.raises(ScorecardError, match="doesn't say how traffic to mysql is encrypted"):
        encrypted("telephony", sa.make_url("mysql+pymysql://db.example.com/telephony"))
    url = sa.make_url("mysql+pymysql://db.example.com/telephony?ssl_ca=/etc/ssl/ca.pem")
    assert encrypted("telephony", url) == url
    assert encrypted("telephony", sa.make_url("sqlite:////tmp/x.db")).database == "/tmp/x.db"


def test_a_server_without_tls_gets_neither_user_nor_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers that it has no TLS; a client that goes on in the clear sends the user's name next."""
    received = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _ = listener.accept()
        with line:
            received.extend(line.recv(8))
            line.sendall(b"N")
            received.extend(line.recv(1000))

    thread = threading.Thread(target=serve)
    thread.start()
    monkeypatch.setattr("scorecard.extract.services.sql.connection.is_loopback", lambda host: False)
    address = f"postgresql://127.0.0.1:{listener.getsockname()[1]}/telephony"
    connection = Connection(host=address, login="reader", password="s3cr3t-word")
    own = ServiceSettings(business_unit="Shop", currency="USD")
    with pytest.raises(ScorecardError, match="connection scorecard_telephony to its database failed"):
        Sql("telephony", own, connection).who()
    thread.join(10)
    listener.close()
    assert bytes(received) == SSL_REQUEST
