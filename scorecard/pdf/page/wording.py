"""The words of one language, from reports/locales/<language>/LC_MESSAGES/scorecard.po.

The code has no words of its own. It knows ids such as ``headline.fell``, and the file holds the sentence.
"""

import gettext
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import ENGLISH, filled_in, languages, read_catalogue

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog


class Wording:
    """The messages of one language."""

    def __init__(self, reports_dir: Path, language: str) -> None:
        if language not in (known := languages(reports_dir)):
            raise ScorecardError(
                f"There are no words for the language {language!r}.",
                f"Correct `languages` of the scorecard to some of: {', '.join(known)}; or add"
                f" reports/locales/{language}/LC_MESSAGES/scorecard.po.",
            )
        self.language = language
        self._reports = reports_dir
        self.path = reports_dir / "locales" / language / "LC_MESSAGES" / "scorecard.po"

    @cached_property
    def catalog(self) -> "Catalog":
        """The messages as Babel reads them."""
        return read_catalogue(self.path, self.language)

    @cached_property
    def _compiled(self) -> gettext.GNUTranslations:
        from babel.messages.mofile import write_mo

        compiled = BytesIO()
        write_mo(compiled, self.catalog)
        compiled.seek(0)
        messages = gettext.GNUTranslations(compiled)
        if self._english:
            messages.add_fallback(self._english._compiled)
        return messages

    @cached_property
    def _english(self) -> "Wording | None":
        """The English messages. They replace the messages that the language lacks."""
        return None if self.language == ENGLISH else Wording(self._reports, ENGLISH)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of all messages, with the English ones that the language lacks."""
        keys = (message.id[0] if isinstance(message.id, tuple) else message.id for message in self.catalog)
        return frozenset(str(key) for key in keys if key) | (self._english.ids if self._english else frozenset())

    def has(self, key: str) -> bool:
        """Whether a message has this id."""
        return key in self.ids

    def say(self, key: str, /, **values: object) -> str:
        """Return a message, filled with its values.

        Raises
        ------
        ScorecardError: no message has this id, or the message names a value that the call lacks.
        """
        return self._fill(key, self._compiled.gettext(key), values)

    def count(self, key: str, number: int, /, **values: object) -> str:
        """Return the form of a message that fits a number, filled with its values.

        Raises
        ------
        ScorecardError: as ``say``.
        """
        return self._fill(key, self._compiled.ngettext(key, key, number), values)

    def _fill(self, key: str, message: str, values: dict[str, object]) -> str:
        if key not in self.ids or message == key:
            raise ScorecardError(
                f"{self.path} has no message {key!r}.",
                "Add it there and to the English file, or correct the id where a template uses it.",
            )
        return filled_in(message, values, f"The message {key!r} in {self.path}")
