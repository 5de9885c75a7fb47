"""Words to translate: found in declarations, checks and sources, and kept in gettext catalogues by language."""

from scorecard.translations.catalogues import Report, check, update

__all__ = ["Report", "check", "update"]
