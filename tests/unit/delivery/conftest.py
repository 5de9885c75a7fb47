import asyncio
import socket
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from scorecard.delivery.mail import WORDS, Letter
from scorecard.shared.mail_summary import MailSummary
from scorecard.shared.settings import Settings


class Server:
    """Keeps what it accepts. ``at_rcpt`` and ``at_data`` are answers by address; "drop" breaks the connection.

    ``at_mail`` is the answer to any sender, or a list of the answers to one after another.
    """

    def __init__(self, **options):
        self.letters, self.at_mail, self.at_rcpt, self.at_data, self.connections = [], None, {}, {}, 0
        server = self

        class Choosing(Controller):
            def factory(self):
                server.connections += 1
                return super().factory()

            def _create_server(self):
                return self.loop.create_server(self._factory_invoker, sock=listener, ssl=self.ssl_context)

        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.controller = Choosing(self, hostname="127.0.0.1", port=self.port, ready_timeout=10, **options)

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    async def handle_MAIL(self, _server, _session, envelope, address, _options):  # noqa: N802
        answer = self.at_mail.pop(0) if isinstance(self.at_mail, list) else self.at_mail
        if answer is None:
            envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        answer = self.at_rcpt.get(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        answer = self.at_data.get(envelope.rcpt_tos[0], "250 OK")
        if answer.startswith("2") or answer in ("OK thanks", "drop after"):
            self.letters.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content, policy=default)))
        if answer.startswith("drop"):
            server.transport.abort()
            await asyncio.sleep(0)
        return answer

    @property
    def reached(self):
        return [rcpt for rcpts, _ in self.letters for rcpt in rcpts]


@pytest.fixture
def smtp_server():
    return Server


@pytest.fixture
def server():
    # The first connection is the controller's own, to see that it answers.
    with Server() as running:
        running.connections = 0
        yield running


@pytest.fixture
def make_settings(tmp_path):
    def make(port=None, **changes):
        return Settings(
            **{
                **{
                    "company": "Example Group",
                    "owner_email": "owner@example.com",
                    "mail_from": "scorecard@example.com",
                },
                **{"state": tmp_path / "var", "out": tmp_path / "out", "smtp_timeout": 5},
                **({"smtp_host": "127.0.0.1", "smtp_port": port} if port else {}),
                **changes,
            }
        )

    return make


@pytest.fixture
def make_letter(tmp_path):
    def make(recipient="director@example.com", edition=1, language="en", **summary):
        pdf = tmp_path / f"sales-2017-Q4-e{edition}-{language}.pdf"
        pdf.write_bytes(b"%PDF-1.7 " + bytes(range(256)))
        fields = {
            **{"title": "Sales scorecard", "period_label": "2017-Q4", "headline": "Win rate fell"},
            **{"sentences": ("Bookings rose by 4 %.", "Win rate fell to 57 %.", "East moved it most.")},
            **{"currency": "USD", "ask": "Questions: sales@example.com"},
            **summary,
        }
        words = {name: f"<{name}>" for name in WORDS}
        audience = ("example.com",)
        return Letter(
            "sales", "2017-Q4", edition, recipient, language, audience, lambda: MailSummary(**fields), words, pdf
        )

    return make
