"""What checks say in languages other than English: the words in ``expectations/words/``, filled in. Cheap to import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scorecard.catalogue import read_yaml
from scorecard.errors import ScorecardError

# By language: name, and of a failure message and cure.
Translations = Mapping[str, Mapping[str, str]]
Sayings = Mapping[str, str]


@dataclass(frozen=True)
class Words:
    """The words of every language there is a file of: by language, kind of check and what is said."""

    languages: Mapping[str, Mapping[str, Sayings]] = field(default_factory=dict)

    def build(
        self,
        kind: str,
        otherwise: str,
        passed: bool,
        found: str,
        about: Mapping[str, object],
        own: Mapping[str, Sayings | None] | None = None,
    ) -> Translations:
        """Return a check's words in each language.

        Parameters
        ----------
        kind, otherwise: whose words to take, and whose where there are none of that kind.
        passed: only its name is needed then.
        found: which sentence says what was found: found or unread.
        about: what the sentences name in braces.
        own: by language, words of this very check, which go before those of its kind.
        """
        built: dict[str, dict[str, str]] = {}
        for language, kinds in self.languages.items():
            said = {**kinds.get(kind, kinds.get(otherwise, {})), **((own or {}).get(language) or {})}
            said.setdefault("found", kinds.get("rule", {}).get("found", ""))
            entry = {"name": _fill(said.get("name", ""), about)}
            if not passed:
                entry["message"] = _fill(said.get(found, ""), about) + said.get("why", "")
                entry["cure"] = _fill(said.get("cure", ""), about)
            built[language] = {key: " ".join(text.split()) for key, text in entry.items() if text}
        return built


def read_translations(project: Path) -> Words:
    """Read the words of every language there is a file of in ``expectations/words/``.

    Raises
    ------
    ScorecardError: a file is not a mapping of kinds of checks to what they say.
    """
    found: dict[str, Mapping[str, Sayings]] = {}
    for path in sorted((project / "expectations" / "words").glob("*.yml")):
        kinds = read_yaml(path)
        wrong = [str(kind) for kind, said in kinds.items() if not isinstance(said, dict)]
        if wrong:
            raise ScorecardError(
                f"{path}: {', '.join(wrong)} is not a mapping.", "Write what it says as `found: text`."
            )
        found[path.stem] = kinds
    return Words(found)


def _fill(text: str, about: Mapping[str, Any]) -> str:
    try:
        return text.format(**about)
    except (KeyError, IndexError, ValueError) as error:
        raise ScorecardError(
            f"The words {text!r} in expectations/ can't be filled in: {error!r}.",
            f"Use only these names in braces: {', '.join(sorted(about)) or 'none'}.",
        ) from error
