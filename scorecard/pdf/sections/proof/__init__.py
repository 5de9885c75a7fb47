"""How a reader proves the scorecard: the close, its hashes, the command, and the list of printed figures."""

from dataclasses import dataclass
from unicodedata import east_asian_width

from scorecard.pdf.page import PageContext, visible
from scorecard.shared.decimals import digits

# The widths of characters, in thousandths of the font's size. A column of the list has room for 13 digits.
_DIGIT, _THIN = 555, {" ": 224, "\u00a0": 224, ".": 278, ",": 278}
_WIDE = 1000
_COLUMN = 13 * _DIGIT
_COLUMNS = ("figure", "printed", "exact", "observations", "what")


@dataclass(frozen=True)
class ProvedFigure:
    """A line of the list of printed figures."""

    figure_id: str
    what: str
    printed: str
    exact: str
    observations: str


@dataclass(frozen=True)
class ProofSection:
    """The pages that prove the scorecard. ``lead_figure_id`` is the id in the example of the command."""

    content_sha256: str
    revision: str
    libraries: str
    lead_figure_id: str
    trace_command: str
    head: tuple[str, ...]
    figures: tuple[ProvedFigure, ...]


def proof_section(context: PageContext) -> ProofSection:
    """Build the proof. Call this last, when all other sections have put their figures on the list."""
    close = context.close
    metric, _ = close.lead_metric()
    lead_figure_id = context.cite(close.whole(metric.name) or next(iter(close.figures.values())))
    libraries = sorted(close.manifest["libraries"].items())
    return ProofSection(
        content_sha256=close.content_sha256,
        revision=visible(str(close.manifest["code"]["revision"] or "–"))[:12],
        libraries=" · ".join(visible(f"{name} {version}") for name, version in libraries),
        lead_figure_id=lead_figure_id,
        trace_command=f"scorecard trace {close.close_id}.{lead_figure_id}",
        head=tuple(_padded(context.say(f"column.{name}")) for name in _COLUMNS),
        figures=_figures(context),
    )


def _figures(context: PageContext) -> tuple[ProvedFigure, ...]:
    """Return the printed figures in the order of their ids: F2 before F10."""
    lines = []
    for figure_id, printed in sorted(context.printed.items(), key=lambda pair: (len(pair[0]), pair[0])):
        figure = printed.figure
        what = context.say(
            "proof.what",
            metric=context.close.metrics[figure.metric].label,
            member=context.member_name(figure.dimension, figure.member),
            period=context.period_of(figure),
        )
        lines.append(
            ProvedFigure(
                figure_id=figure_id,
                what=what,
                printed=_padded(printed.text),
                exact=_padded("–" if figure.value is None else digits(figure.value)),
                observations=_padded(context.formats.count(figure.observations)),
            )
        )
    return tuple(lines)


def _padded(text: str) -> str:
    """Pad a text to the width of a column. WeasyPrint draws a short tab more exactly than a long one."""
    widths = (_WIDE if east_asian_width(letter) == "W" else _THIN.get(letter, _DIGIT) for letter in text)
    return text + " " * round((_COLUMN - sum(widths)) / _THIN[" "])
