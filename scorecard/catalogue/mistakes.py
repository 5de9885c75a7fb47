"""Mistakes in declarations: gathered, so that one error lists them all, each with its file and line."""

from dataclasses import dataclass
from pathlib import Path

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import plain


@dataclass(frozen=True, order=True)
class Mistake:
    """Where a declaration is wrong (line 1 is the first), what is wrong with it, and what to do."""

    path: Path
    line: int
    problem: str
    cure: str

    def __str__(self) -> str:
        """Return it as editors and compilers write it: ``file:line: problem cure``."""
        return f"{self.path}:{self.line}: {self.problem} {self.cure}"


class WrongDeclarations(ScorecardError):
    """Wrong declarations; ``mistakes`` lists them by file and line."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        """Take one mistake or more."""
        self.mistakes = mistakes
        first = mistakes[0]
        if len(mistakes) == 1:
            super().__init__(f"{first.path}:{first.line}: {first.problem}", first.cure)
        else:
            lines = "\n".join(str(mistake) for mistake in mistakes)
            super().__init__(f"{len(mistakes)} declarations are wrong:\n{lines}\n", "Correct them.")


class Mistakes:
    """The mistakes noted so far."""

    def __init__(self) -> None:
        """Begin with none."""
        self._noted: set[Mistake] = set()

    def note(self, path: Path, line: int, problem: str, cure: str) -> None:
        """Note one. Control characters that it quotes from a file are taken out."""
        self._noted.add(Mistake(path, line, plain(problem, 400), plain(cure, 400)))

    def extend(self, error: WrongDeclarations) -> None:
        """Note the mistakes of an error."""
        self._noted.update(error.mistakes)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._noted)

    def all(self) -> tuple[Mistake, ...]:
        """Return them by file and line."""
        return tuple(sorted(self._noted))

    def raise_any(self) -> None:
        """Raise them.

        Raises
        ------
        WrongDeclarations: there are mistakes.
        """
        if self._noted:
            raise WrongDeclarations(self.all())
