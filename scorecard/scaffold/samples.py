"""The bundled samples: the list of their files, and their removal."""

from dataclasses import dataclass, field
from pathlib import Path

from scorecard.catalogue import Mistakes
from scorecard.catalogue.validation import Entry, Text, check
from scorecard.catalogue.yaml_files import read_document
from scorecard.shared.files import sha256_of

FILE = "samples.yml"


class SamplesFile(Entry):
    """The list of what belongs to the samples.

    files: the SHA-256 of each file, by its path below the project.
    """

    files: dict[Text, Text]


@dataclass(frozen=True)
class Removal:
    """What a removal of the samples did.

    deleted: the files it deleted. kept: the files whose content is not the sample's.
    """

    deleted: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)


def listed_samples(project: Path) -> dict[Path, str]:
    """Return the SHA-256 of each file of the samples by its path, as ``samples.yml`` lists them.

    Raises
    ------
    WrongDeclarations: the list can't be read, or names a path outside the project.
    """
    document = read_document(project / FILE)
    mistakes = Mistakes()
    file = check(document, SamplesFile, mistakes)
    listed = file.files if file else {}
    for path in listed:
        if Path(path).is_absolute() or ".." in Path(path).parts:
            line = document.line("files", path)
            mistakes.note(document.path, line, f"{path} is outside of the project.", "Write a path below it.")
    mistakes.raise_any()
    return {project / path: sha256 for path, sha256 in listed.items()}


def remove_samples(project: Path) -> Removal:
    """Delete each file of the samples, and its folder if that is empty then.

    A company may have a file of its own at the path of a sample. Such a file has other content, and stays.

    Raises
    ------
    WrongDeclarations: as `listed_samples`.
    """
    removal = Removal()
    for path, sha256 in listed_samples(project).items():
        if not path.is_file():
            continue
        if sha256_of(path) != sha256:
            removal.kept.append(path)
            continue
        path.unlink()
        removal.deleted.append(path)
        folder = path.parent
        if folder.parent != project and not any(folder.iterdir()):
            folder.rmdir()
    return removal
