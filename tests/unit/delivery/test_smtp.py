"""The connection to a mail server: TLS, login, and the limit to its time."""

import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from scorecard.delivery.deliveries import read_deliveries
from scorecard.delivery.mail import deliver
from scorecard.shared.errors import ScorecardError, Temporary


def states(settings):
    return {row.recipient: row.state for row in read_deliveries(settings) if row.is_letter}


def test_a_server_that_is_down_leaves_the_letters_for_the_next_run(server, make_settings, make_letter):
    settings = make_settings(1)
    with pytest.raises(ScorecardError, match=r"127\.0\.0\.1:1 doesn't answer"):
        deliver(settings, [make_letter()])
    assert states(settings) == {"director@example.com": "claimed"}
    assert deliver(make_settings(server.port), [make_letter()])[0].state == "sent"


def test_a_server_without_tls_is_refused_where_tls_was_asked_for(server, make_settings, make_letter):
    settings = make_settings(server.port, smtp_starttls=True)
    with pytest.raises(ScorecardError, match="STARTTLS"):
        deliver(settings, [make_letter()])
    assert server.letters == []
    assert states(settings) == {"director@example.com": "claimed"}


def test_tls_is_used_unless_the_server_is_this_machine(server, make_settings, make_letter, monkeypatch):
    assert deliver(make_settings(server.port), [make_letter("near@example.com")])[0].state == "sent"
    monkeypatch.setattr("scorecard.delivery.smtp.is_loopback", lambda host: False)
    with pytest.raises(ScorecardError, match="it doesn't offer STARTTLS") as caught:
        deliver(make_settings(server.port), [make_letter("far@example.com")])
    assert "SCORECARD_SMTP_STARTTLS=false" in caught.value.cure
    assert server.reached == ["near@example.com"]
    settings = make_settings(server.port, smtp_starttls=False)
    assert deliver(settings, [make_letter("far@example.com")])[0].state == "sent"


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([None], None),
        ([b"220 here\r\n", b"250 hello\r\n", None], "claimed"),
        ([b"220 here\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n", None], "unknown"),
    ],
)
def test_a_server_that_answers_byte_by_byte_is_left_in_time(make_settings, make_letter, answers, state):
    """Each byte comes before the time-out of an answer. Only the whole dialogue takes too long."""
    with Dripping(answers) as server:
        settings = make_settings(server.port, smtp_timeout=5, smtp_total_timeout=1)
        began = time.monotonic()
        if state is None:
            with pytest.raises(Temporary, match="doesn't answer"):
                deliver(settings, [make_letter()])
        else:
            assert deliver(settings, [make_letter()])[0].state == state
        # The notice about a letter of unknown outcome has a dialogue of its own.
        assert time.monotonic() - began < 4


class Dripping:
    """A server that gives its answers one after another. None is an answer that never ends, a byte at a time."""

    def __init__(self, answers):
        self.answers, self.ended = answers, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        # A close alone wakes no thread that waits in accept.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def _serve(self):
        with suppress(OSError):
            while True:
                line, _ = self.listener.accept()
                with line, suppress(OSError):
                    self._talk(line)

    def _talk(self, line):
        for answer in self.answers:
            if answer is None:
                while not self.ended.wait(0.1):
                    line.sendall(b"2")
                return
            line.sendall(answer)
            line.recv(100_000)


def test_a_password_never_goes_out_in_the_clear(make_settings, make_letter):
    login = {"smtp_user": "me", "smtp_password": "s3cr3t-word"}
    settings = make_settings(25, smtp_host="mail.example.com", smtp_starttls=False, **login)
    with pytest.raises(ScorecardError, match="in the clear"):
        deliver(settings, [make_letter()])


class Login:
    """Accepts one password, and repeats a wrong one in its answer."""

    def __call__(self, _server, _session, _envelope, _mechanism, data):
        from aiosmtpd.smtp import AuthResult

        if data.password == b"right":
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 {data.password.decode()} is wrong")


def certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, secret


def test_tls_with_a_password_and_what_a_wrong_one_says(
    smtp_server, tmp_path, make_settings, make_letter, monkeypatch, capsys, caplog
):
    cert, secret = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, secret)
    options = {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": Login(),
    }
    with smtp_server(**options) as server:
        secure = {"smtp_host": "localhost", "smtp_starttls": True, "smtp_user": "me"}
        settings = make_settings(server.port, smtp_password="right", **secure)
        with pytest.raises(ScorecardError, match="no safe connection"):  # no authority vouches for the certificate
            deliver(settings, [make_letter()])
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        wrong = make_settings(server.port, smtp_password="s3cr3t-word", **secure)
        with pytest.raises(ScorecardError, match="doesn't accept the user me") as caught:
            deliver(wrong, [make_letter()])
        seen = [
            repr(caught.value),
            repr(caught.value.__context__),
            repr(caught.value.__cause__),
            repr(wrong),
            caplog.text,
        ]
        seen += [
            *capsys.readouterr(),
            (tmp_path / "var" / "deliveries.sqlite").read_bytes().decode("latin-1"),
        ]
        assert not any("s3cr3t" in text for text in seen)
        assert deliver(settings, [make_letter()])[0].state == "sent"
