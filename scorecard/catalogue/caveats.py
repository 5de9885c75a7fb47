"""Caveats of metrics: those of a metric's own YAML, and those of the sources behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scorecard.catalogue.metrics import Metric
from scorecard.catalogue.mistakes import Mistakes
from scorecard.catalogue.source_files import DeclaredSource
from scorecard.catalogue.yaml_files import read_document
from scorecard.shared.keys import closest
from scorecard.shared.languages import ENGLISH, Translations, Words


def with_caveats(
    metrics: Iterable[Metric], sources: Iterable[DeclaredSource], unit: str, translations: Translations
) -> list[Metric]:
    """Return metrics with the caveats that the sources of a business unit declare, before those of their own."""
    own = [source for source in sources if source.business_unit == unit]
    return [replace(metric, caveat=_joined(metric, own, translations)) for metric in metrics]


def _joined(metric: Metric, sources: Iterable[DeclaredSource], translations: Translations) -> Words | None:
    base = metric.variant_of or metric.name
    declared = dict.fromkeys(source.caveats[base] for source in sources if base in source.caveats)
    every = [*(translations.of_text(text) for text in declared), *([metric.caveat] if metric.caveat else [])]
    languages = dict.fromkeys(language for words in every for language in words)
    joined = {language: _sentences(words.get(language, words[ENGLISH]) for words in every) for language in languages}
    return joined or None


def _sentences(texts: Iterable[str]) -> str:
    """Put sentences one after the other; after a full stop of Japanese or Chinese there is no space."""
    joined = ""
    for text in texts:
        joined += f" {text}" if joined and not joined.endswith("。") else text
    return joined


def check_caveats(sources: Mapping[str, DeclaredSource], metrics: Mapping[str, Metric], mistakes: Mistakes) -> None:
    """Note caveats that name unknown metrics."""
    for source in sources.values():
        for name in source.caveats.keys() - metrics.keys():
            document = read_document(source.path)
            line = next(
                document.line("sources", number, "config", "meta", "caveats", name)
                for number, entry in enumerate(document.content["sources"])
                if name in ((entry.get("config") or {}).get("meta") or {}).get("caveats", {})
            )
            mistakes.note(
                source.path, line, f"`caveats` names the unknown metric {name}.", closest(name, sorted(metrics))
            )
