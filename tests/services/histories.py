"""What the random histories of all services share: how many there are, extractions that may fail, and kills."""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from scorecard.extract.raw import load as loading
from scorecard.shared.errors import ScorecardError
from tests.conftest import NIGHTLY

from .conftest import Reader

HISTORIES = settings(
    max_examples=50 if NIGHTLY else 6,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
"""Of each of the four services and of a database: random ones every time, more of them in `make nightly`."""


class Killed(BaseException):
    """The process ends here."""


def attempt(reader: Reader) -> None:
    """Extract; a run that can't go on says so and leaves what is right."""
    with suppress(ScorecardError):
        reader.extract()
    reader.service.faults.off()


def kill(reader: Reader, loaded: bool) -> None:
    """Extract, and end right before a load or, ``loaded``, right after it."""
    run = loading._run_pipeline

    def killed(*args: Any) -> str:
        if loaded:
            run(*args)
        raise Killed

    loading._run_pipeline = killed
    try:
        attempt(reader)
    except Killed:
        pass
    finally:
        loading._run_pipeline = run
