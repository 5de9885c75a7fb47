"""Texts to translate: extracted from declarations, checks and sources, kept in gettext catalogues by language."""

from scorecard.translations.catalogues import Report, check, update

__all__ = ["Report", "check", "update"]
