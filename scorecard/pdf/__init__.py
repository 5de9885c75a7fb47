"""Renders a close as a scorecard."""

from scorecard.pdf.document import printed_figures
from scorecard.pdf.mail_text import mail_summary
from scorecard.pdf.rendering import html, render

__all__ = ["html", "mail_summary", "printed_figures", "render"]
