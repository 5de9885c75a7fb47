"""Close, render and mail a scorecard. Work that is done already is not repeated."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from scorecard.catalogue import Scorecard, load_catalogue
from scorecard.shared.errors import ScorecardError, Temporary
from scorecard.shared.files import sha256_of, write_whole
from scorecard.shared.mail_summary import MailSummary
from scorecard.shared.periods import Period, parse_period
from scorecard.shared.settings import Settings
from scorecard.steps.building import artifacts
from scorecard.steps.extracting import Progress
from scorecard.steps.holding import refuse_held
from scorecard.steps.verifying import mailed_closes

if TYPE_CHECKING:
    from scorecard.closes.freeze import Close
    from scorecard.delivery.post import Outcome


@dataclass(frozen=True)
class Published:
    """One scorecard of one period: its close, its PDFs, and the outcome of each letter."""

    close_id: str
    created: bool
    pdfs: tuple[Path, ...]
    outcomes: tuple["Outcome", ...]


def publish(
    settings: Settings, scorecard: str, period: str, progress: Progress = print, *, provisional: bool = False
) -> list[Path]:
    """Close, render and mail one scorecard of one period; return the paths of its PDFs. See `publish_one`.

    Raises
    ------
    Temporary: a letter is not sent yet. A retry sends it, and repeats no other letter.
    ScorecardError: as `publish_one`.
    """
    done = publish_one(settings, scorecard, period, progress, provisional=provisional)
    waiting = [outcome.key.recipient for outcome in done.outcomes if outcome.state == "claimed"]
    if waiting:
        raise Temporary(
            f"{done.close_id} is not sent to {', '.join(waiting)} yet: the mail server asks for a retry later.",
            "Run again later. Nobody receives it twice.",
        )
    return list(done.pdfs)


def publish_one(
    settings: Settings, scorecard: str, period: str, progress: Progress = print, *, provisional: bool = False
) -> Published:
    """Close, render and mail one scorecard of one period. Work that is done already is not repeated.

    ``provisional``: publish it also if the period is not over. The mail and the page name the last day of the data.

    Raises
    ------
    ScorecardHeld: a source of its unit is in trouble, the period is not over, or a check that it depends on failed. Its
        owner has been told by mail.
    ScorecardError: the period has no data, the figures are of other code or settings, a close is damaged, a font is
        missing, or the mail server is unreachable.
    """
    from scorecard.warehouse import published

    catalogue = load_catalogue(settings)
    entry = catalogue.scorecard(scorecard)
    due_period = parse_period(period, settings.fiscal)
    # The lock keeps the snapshot, so that the checks and the figures agree.
    with published.alone(settings):
        published.refuse_stale(settings)
        refuse_held(settings, catalogue, entry, due_period, provisional=provisional)
        closed = close(settings, entry, due_period)
    progress(f"{closed.close_id}: {_summary(closed)}")
    pdfs = {language: _pdf(settings, closed, language) for language in entry.languages}
    outcomes = _deliver(settings, entry, due_period, closed, pdfs)
    for outcome in outcomes:
        progress(f"{closed.close_id} to {outcome.key.recipient}: {outcome.state}{'' if outcome.now else ' before'}")
    return Published(closed.close_id, closed.created, tuple(pdfs.values()), tuple(outcomes))


def close(settings: Settings, entry: Scorecard, period: Period) -> "Close":
    """Freeze a scorecard's figures of a period. The same data gives the existing close."""
    from scorecard import lineage
    from scorecard.closes.freeze import Build
    from scorecard.closes.freeze import close as freeze
    from scorecard.pdf.page.fonts import font_hashes
    from scorecard.warehouse.plan import FILE, read_plan

    catalogue = load_catalogue(settings)
    target = artifacts(settings)
    columns = lineage.metric_lineage(settings, catalogue.metrics.values(), catalogue.dimensions, target)
    code = {"revision": _revision(settings.project), "dbt_manifest_sha256": _dbt_code(target / "manifest.json")}
    build = Build(
        columns,
        read_plan(target / FILE).by_metric(),
        code,
        font_hashes(),
        lambda folder: _printed(settings, entry, folder),
        mailed_closes(settings),
    )
    return freeze(settings, entry, catalogue.metrics, period, build)


def _printed(settings: Settings, entry: Scorecard, folder: Path) -> set[tuple[str, str, str, str]] | None:
    """Return the figures on the pages of a close; None if this release can't render the close."""
    from scorecard.pdf import printed_figures

    try:
        return printed_figures(folder, entry.languages[0], settings.project / "reports")
    except ScorecardError:
        return None


def _pdf(settings: Settings, closed: "Close", language: str) -> Path:
    """Render a close to out/ unless the file is up to date. Its stamp has the hashes of its inputs and of itself."""
    from scorecard.pdf import render

    reports = settings.project / "reports"
    path = settings.out / f"{closed.close_id}-{language}.pdf"
    stamp = settings.state / "rendered" / f"{path.name}.json"
    inputs = _inputs_hash(closed.path, reports)
    if path.exists() and stamp.exists() and stamp.read_bytes() == _stamp(inputs, path):
        return path
    write_whole(path, render(closed.path, language, reports))
    write_whole(stamp, _stamp(inputs, path))
    return path


def _summary(closed: "Close") -> str:
    """Return what closing did, for the log. Equal values of other records are kept as provenance."""
    if closed.created:
        return "closed"
    if closed.provenance is None:
        return "closed before, nothing changed"
    replaced = sum(difference["field"] == "records" for difference in closed.differences)
    records = f", {replaced} of them of other records with a net effect of 0" if replaced else ""
    return f"closed before, equal figures{records}; what they come from now is kept as provenance {closed.provenance}"


def _stamp(inputs: str, path: Path) -> bytes:
    return json.dumps({"made_of": inputs, "sha256": sha256_of(path)}).encode()


def _inputs_hash(close_dir: Path, reports: Path) -> str:
    digest = hashlib.sha256((close_dir / "manifest.json").read_bytes())
    code = Path(__file__).parents[1] / "pdf"
    for folder in (reports / "templates", reports / "styles", reports / "locales", code):
        for path in sorted(folder.rglob("*.*")):
            if path.suffix != ".pyc":
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _deliver(
    settings: Settings, entry: Scorecard, period: Period, closed: "Close", pdfs: dict[str, Path]
) -> list["Outcome"]:
    from scorecard.delivery import mail
    from scorecard.pdf.page.wording import Wording

    reports = settings.project / "reports"

    @cache
    def summarise(language: str) -> MailSummary:
        from scorecard.pdf import mail_summary

        return mail_summary(closed.path, language, reports)

    words = {language: Wording(reports, language) for language in pdfs}
    letters = [
        mail.Letter(
            scorecard=entry.name,
            period=period.label,
            edition=closed.edition,
            recipient=reader.email,
            language=reader.language,
            domains=entry.domains,
            summarise=partial(summarise, reader.language),
            words={word: words[reader.language].say(word) for word in mail.WORDS},
            pdf=pdfs[reader.language],
            content_sha256=closed.content_sha256,
        )
        for reader in entry.recipients
    ]
    return mail.deliver(settings, letters)


def _dbt_code(manifest: Path) -> str:
    """Return the hash of the code in dbt's manifest, without the run's time and ids."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    code = {name: node.get("checksum", {}).get("checksum") for name, node in content["nodes"].items()}
    code |= {name: macro["macro_sql"] for name, macro in content["macros"].items()}
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()


def _revision(project: Path) -> str | None:
    """Return the git revision of the code; None if the project is no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(project), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
