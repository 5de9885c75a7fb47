"""Numbers that metrics take: the default of a metric's YAML, or what a business unit sets in its place."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from scorecard.catalogue.metric_entries import Number, ParameterEntry
from scorecard.catalogue.mistakes import Mistakes
from scorecard.shared.keys import closest
from scorecard.shared.settings import Settings
from scorecard.shared.settings_file import line_of

GROUP = "all"
"""The scope of a scorecard of all units."""


@dataclass(frozen=True)
class Parameters:
    """What counts for one business unit, for all of them (``all``), or for none (None), which has the defaults."""

    settings: Settings
    unit: str | None = None
    units: Collection[str] | None = None
    """The business units that there are; None where that isn't known, since sources are declared wrongly."""

    def numbers(self, metric: str, name: str, default: Number) -> list[Number]:
        """Return the number that counts for the unit; for all units each that counts for one, the least first."""
        units = (self.units or ()) if self.unit == GROUP else (self.unit,)
        numbers = {self._of_unit(unit, metric).get(name, default) for unit in units if unit}
        return sorted(numbers or {default})

    def _of_unit(self, unit: str, metric: str) -> Mapping[str, Number]:
        return self.settings.parameters.get(unit, {}).get(metric, {})

    def check_metric(self, metric: str, declared: Mapping[str, ParameterEntry], mistakes: Mistakes) -> None:
        """Note settings that name an unknown parameter of a metric, or a number outside its bounds."""
        for unit, metrics in self.settings.parameters.items():
            for name, number in metrics.get(metric, {}).items():
                if name not in declared:
                    self._note(mistakes, (unit, metric, name), "is no parameter of the metric", declared)
                elif not declared[name].allows(number):
                    entry = declared[name]
                    problem = f"is set to {number}, which is no {entry.type} from {entry.min} to {entry.max}"
                    self._note(mistakes, (unit, metric, name), problem)

    def check_names(self, metrics: Collection[str], mistakes: Mistakes) -> None:
        """Note unknown business units and unknown metrics."""
        for unit, own in self.settings.parameters.items():
            if self.units is not None and unit not in self.units:
                self._note(mistakes, (unit,), "is a business unit of no source", self.units)
            for metric in own.keys() - set(metrics):
                self._note(mistakes, (unit, metric), "is no metric", metrics)

    def _note(self, mistakes: Mistakes, names: tuple[str, ...], problem: str, known: Collection[str] = ()) -> None:
        keys = ["parameters", *names]
        path, line = self.settings.file, line_of(self.settings.file, keys) if self.settings.file.exists() else None
        cure = closest(names[-1], known) if known else "Correct it."
        where = "" if line else " (set by SCORECARD_PARAMETERS in the environment)"
        mistakes.note(path, line or 1, f"`{'.'.join(keys)}`{where} {problem}.", cure)
