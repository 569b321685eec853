"""Times: of the clock, of the week and of the year."""

from nmtk.recipe.phrases.chance import Chance
from nmtk.recipe.phrases.clauses import Phrase
from nmtk.recipe.phrases.grammar import Article, Case, Gender
from nmtk.recipe.phrases.numbers import english, english_ordinal, german, german_ordinal


def _phrases(table: str) -> tuple[Phrase, ...]:
    """Phrases of a word each from `Monday Montag, Tuesday Dienstag`."""
    return tuple(Phrase(*entry.split()) for entry in table.split(","))


WEEKDAYS = _phrases(
    "Monday Montag,Tuesday Dienstag,Wednesday Mittwoch,Thursday Donnerstag,Friday Freitag,Saturday Samstag,"
    "Sunday Sonntag"
)
MONTHS = _phrases(
    "January Januar,February Februar,March März,April April,May Mai,June Juni,July Juli,August August,"
    "September September,October Oktober,November November,December Dezember"
)
DAYS_IN = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_COMING = _phrases("today heute,tomorrow morgen")
_GONE = _phrases("today heute,yesterday gestern")
_PARTS = {
    5: Phrase("five past", "fünf nach"),
    10: Phrase("ten past", "zehn nach"),
    15: Phrase("quarter past", "Viertel nach"),
    20: Phrase("twenty past", "zwanzig nach"),
    25: Phrase("twenty-five past", "fünf vor halb"),
    30: Phrase("half past", "halb"),
    35: Phrase("twenty-five to", "fünf nach halb"),
    40: Phrase("twenty to", "zwanzig vor"),
    45: Phrase("quarter to", "Viertel vor"),
    50: Phrase("ten to", "zehn vor"),
    55: Phrase("five to", "fünf vor"),
}


def clock(hour: int, minute: int) -> Phrase:
    """A time of the clock, hour 1 to 12, minute a multiple of five.

    English names the coming hour from 35 minutes on, German from 25: twenty-five past six is five to half seven.
    """
    after = hour % 12 + 1
    if minute == 0:
        return Phrase(f"{english(hour)} o'clock", f"{'ein' if hour == 1 else german(hour)} Uhr")
    part = _PARTS[minute]
    return Phrase(
        f"{part.english} {english(after if minute > 30 else hour)}",
        f"{part.german} {german(after if minute > 20 else hour)}",
    )


def some_clock(chance: Chance) -> Phrase:
    """Any time of the clock."""
    return clock(chance.between(1, 12), 5 * chance.below(12))


def date(day: int, month: int, case: Case) -> Phrase:
    """A day of the year, without article: third of May, dritten Mai. `month` counts from 1."""
    ending = Article.THE.ending(case, Gender.MASCULINE, plural=False)
    name = MONTHS[month - 1]
    return Phrase(f"{english_ordinal(day)} of {name.english}", f"{german_ordinal(day)}{ending} {name.german}")


def some_date(chance: Chance, case: Case) -> Phrase:
    """Any day of the year."""
    month = chance.between(1, 12)
    return date(chance.between(1, DAYS_IN[month - 1]), month, case)


def on_date(chance: Chance) -> Phrase:
    """On the third of May."""
    on = some_date(chance, Case.DATIVE)
    return Phrase(f"on the {on.english}", f"am {on.german}")


def on_weekday(chance: Chance) -> Phrase:
    """On Monday."""
    day = chance.one(WEEKDAYS)
    return Phrase(f"on {day.english}", f"am {day.german}")


def at_clock(chance: Chance) -> Phrase:
    """At half past seven."""
    at = some_clock(chance)
    return Phrase(f"at {at.english}", f"um {at.german}")


def from_until(chance: Chance) -> Phrase:
    """From eight o'clock until half past ten."""
    begin, end = some_clock(chance), some_clock(chance)
    return Phrase(f"from {begin.english} until {end.english}", f"von {begin.german} bis {end.german}")


def when(chance: Chance, past: bool) -> Phrase:
    """A time at which something happens, or happened."""
    match chance.weighed(((3, "clock"), (3, "date"), (2, "weekday"), (1, "day"), (1, "clock of day"))):
        case "clock":
            return at_clock(chance)
        case "date":
            return on_date(chance)
        case "weekday":
            return on_weekday(chance)
        case "day":
            return chance.one(_GONE if past else _COMING)
    day, at = on_weekday(chance), at_clock(chance)
    return Phrase(f"{day.english} {at.english}", f"{day.german} {at.german}")
