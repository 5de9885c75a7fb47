"""Renders a close as a scorecard."""

from scorecard.pdf.render import Summary, render, render_many, summary

__all__ = ["Summary", "render", "render_many", "summary"]
