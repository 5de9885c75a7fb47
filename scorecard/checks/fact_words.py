"""What the checks of any source are called, what they say of a failure, and what to do then."""

from dataclasses import dataclass

from scorecard.checks.check_words import Phrase


@dataclass(frozen=True)
class FactWords:
    """What a check is called, what it says of a failure, and what to do then."""

    name: Phrase
    failed: Phrase
    cure: Phrase


SPANS = FactWords(
    Phrase("records end after they begin"),
    Phrase(
        "{failures:,} of {checked:,} records of {what} have {later} before {earlier}. Their durations are negative."
    ),
    Phrase("Correct the days at the source and extract again."),
)
FUTURE = FactWords(
    Phrase("records are of days that have come"),
    Phrase(
        "{failures:,} of {checked:,} records of {what} have {column} after the day on which they were loaded, the last"
        " {last}. A plan or a slip of the pen: they are in no figure until that day."
    ),
    Phrase("Correct the days at the source, or give plans a column of their own."),
)
OUTCOME = FactWords(
    Phrase("records have several outcomes"),
    Phrase(
        "All {checked:,} records of {what} have one outcome, {outcome} in {column}. Shares of them say nothing: is the"
        " export filtered?"
    ),
    Phrase("Export the records of every outcome, and extract again."),
)
GAPS = FactWords(
    Phrase("no days are missing"),
    Phrase(
        "Between {since} and {until} no record of {what} has {column}, where about {missing:,} were to be expected by"
        " the days around. Their figures are too low if an export is missing."
    ),
    Phrase("Export that time again and extract, unless nothing happened in it."),
)
FALLS = FactWords(
    Phrase("the last month has as many records as before"),
    Phrase(
        "In {month} there are {failures:,} records of {what}, where the six months before have about {usual:,} each. An"
        " export that isn't whole looks like that."
    ),
    Phrase("Compare that month with the source, and export it again if it has more."),
)
NAMES = FactWords(
    Phrase("names are told apart by more than their spelling"),
    Phrase(
        "{failures:,} names in {column} of {what} are written in several ways or stand for several records, as"
        " {examples}. Each counts as one of its own."
    ),
    Phrase("Correct the spelling at the source, declare it as an alias, or merge the records."),
)
