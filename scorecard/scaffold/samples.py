"""The bundled samples: the list of their files, and their removal."""

import shutil
from pathlib import Path
from typing import Annotated

from scorecard.catalogue import Mistakes
from scorecard.catalogue.validation import Entry, NotEmpty, Text, check
from scorecard.catalogue.yaml_files import read_document

FILE = "samples.yml"


class SamplesFile(Entry):
    """The list of what belongs to the samples."""

    paths: Annotated[tuple[Text, ...], NotEmpty]


def sample_paths(project: Path) -> list[Path]:
    """Return the files and folders of the samples that are there, as ``samples.yml`` lists them.

    Raises
    ------
    WrongDeclarations: the list can't be read, or names a path outside the project.
    """
    document = read_document(project / FILE)
    mistakes = Mistakes()
    file = check(document, SamplesFile, mistakes)
    for place, path in enumerate(file.paths if file else ()):
        if Path(path).is_absolute() or ".." in Path(path).parts:
            line = document.line("paths", place)
            mistakes.note(document.path, line, f"{path} is outside of the project.", "Write a path below it.")
    mistakes.raise_any()
    return [path for pattern in (file.paths if file else ()) for path in sorted(project.glob(pattern))]


def remove_samples(project: Path) -> list[Path]:
    """Delete the samples; return the deleted paths, none if the samples are gone. Raises as `sample_paths`."""
    paths = sample_paths(project)
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return paths
