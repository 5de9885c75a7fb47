"""dbt, in this process: it starts and parses once in a run."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.warehouse.variables import variables

Progress = Callable[[str], None]


class Dbt:
    """One dbt project on one warehouse. Commands after the first reuse its parse."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self.target = settings.state / "dbt"
        self._settings = settings
        self._progress = progress
        self._manifest: Any = None

    def parse(self) -> None:
        """Parse the project, for the commands that follow.

        Raises
        ------
        ScorecardError: the project doesn't parse.
        """
        # No manifest is written here, which saves a second: `compile_kpis` writes one with the compiled SQL.
        self._manifest = self._invoke("parse", "--no-write-json").result

    def compile_kpis(self) -> dict[str, Any]:
        """Compile the KPIs without running them; return the manifest with their SQL.

        Raises
        ------
        ScorecardError: a KPI doesn't compile.
        """
        outcome = self._invoke("compile", "--select", "path:models/kpis")
        if outcome.exception or not outcome.success:
            raise ScorecardError(
                f"The KPIs do not compile: {_first_problem(outcome)}",
                "Correct what it names in dbt_project/models/kpis.",
            )
        return self.manifest()

    def build(self) -> dict[str, Any]:
        """Run every model; return dbt's run results.

        Raises
        ------
        ScorecardError: a model fails. The published snapshot stays as it was.
        """
        outcome = self._invoke("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        return self._results(outcome, tests=False)

    def test(self) -> dict[str, Any]:
        """Run every data test; return dbt's run results, failed tests among them."""
        outcome = self._invoke("test", "--exclude-resource-type", "unit_test")
        return self._results(outcome, tests=True)

    def run(self, arguments: list[str]) -> bool:
        """Run any command of dbt, with its own output; return whether it succeeded.

        Raises
        ------
        ScorecardError: the declarations from which dbt's variables are made are wrong.
        """
        from dbt.cli.main import dbtRunner

        with _environment(self._settings):
            outcome = dbtRunner().invoke([*arguments, *self._project_options()])
        _release()
        return bool(outcome.success)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest that the last command wrote."""
        return _read(self.target / "manifest.json")

    def _results(self, outcome: Any, *, tests: bool) -> dict[str, Any]:
        try:
            results = _read(self.target / "run_results.json")
        except (OSError, ValueError) as error:
            raise ScorecardError(
                f"dbt ended without results: {outcome.exception or error}.",
                f"Free space or mend the permissions of {self.target}, then run again; what is published stays.",
            ) from error
        broken = [entry for entry in results["results"] if entry["status"] == "error"]
        if broken and not tests:
            first = broken[0]
            name = first["unique_id"].split(".")[-1]
            more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
            reason = " ".join((first["message"] or "dbt gave no reason").split())
            raise ScorecardError(
                f"The model {name}{more} could not be built: {reason}",
                f"Correct {self._file_of(first['unique_id'])}, or the data that it reads, and run again. The published"
                " snapshot stays as it was.",
            )
        if outcome.exception:
            raise ScorecardError(f"dbt stopped: {outcome.exception}", f"See {self.target / 'logs' / 'dbt.log'}.")
        return results

    def _file_of(self, node_id: str) -> str:
        """Return the file of a node, as a path below the project."""
        node = self.manifest()["nodes"].get(node_id, {})
        return f"dbt_project/{node['original_file_path']}" if node else f"dbt_project/**/{node_id.split('.')[-1]}.sql"

    def _invoke(self, command: str, *options: str) -> Any:
        from dbt.cli.main import dbtRunner

        runner = dbtRunner(manifest=self._manifest, callbacks=[self._report])
        with _environment(self._settings):
            outcome = runner.invoke([command, *options, *self._common()])
        _release()
        if outcome.exception and command == "parse":
            raise ScorecardError(
                f"The dbt project does not parse: {' '.join(str(outcome.exception).split())}",
                "Correct what it names.",
            )
        return outcome

    def _common(self) -> list[str]:
        return [*self._project_options(), "--log-level", "none", "--log-level-file", "info", "--no-print"]

    def _project_options(self) -> list[str]:
        """Return the options that every command needs: the folders and the variables."""
        folder = str(self._settings.dbt_project)
        return [
            *("--project-dir", folder, "--profiles-dir", folder),
            *("--target-path", str(self.target), "--log-path", str(self.target / "logs")),
            *("--vars", json.dumps(self._variables)),
        ]

    @cached_property
    def _variables(self) -> dict[str, Any]:
        return variables(self._settings)

    def _report(self, event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogSeedResult"):
            done = event.data
            self._progress(f"{done.index} of {done.total} {done.node_info.node_name}")


@contextlib.contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """Set the variables that profiles.yml reads, and run in the warehouse's folder, while dbt runs.

    dbt parses everything again when the warehouse's path changes. So the path is the file's name alone, and a state
    folder that was moved or copied keeps its parse.
    """
    own = {"SCORECARD_WAREHOUSE": settings.warehouse.name, "SCORECARD_TIMEZONE": settings.timezone}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        with contextlib.chdir(settings.warehouse.parent):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _release() -> None:
    """Close the warehouse: dbt-duckdb keeps it open until the process ends, and no other process can open it then."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()


def _first_problem(outcome: Any) -> str:
    """Return dbt's message about the first node that failed."""
    messages = [result.message for result in getattr(outcome.result, "results", ()) if result.message]
    return " ".join(str(outcome.exception or (messages or ["see its log"])[0]).split())


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
