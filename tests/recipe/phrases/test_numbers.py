"""Numbers, dates, times of the clock and amounts, checked by hand."""

import pytest

from nmtk.recipe.phrases.amounts import BOTTLE, CENT, EURO, KILO, LITRE, METRE, YEAR, euros, exactly, with_half
from nmtk.recipe.phrases.clauses import Phrase
from nmtk.recipe.phrases.grammar import Case
from nmtk.recipe.phrases.numbers import LARGEST, english, english_ordinal, german, german_ordinal
from nmtk.recipe.phrases.times import clock, date


@pytest.mark.parametrize(
    ("number", "source", "target"),
    [
        (0, "zero", "null"),
        (1, "one", "eins"),
        (7, "seven", "sieben"),
        (12, "twelve", "zwölf"),
        (16, "sixteen", "sechzehn"),
        (17, "seventeen", "siebzehn"),
        (21, "twenty-one", "einundzwanzig"),
        (30, "thirty", "dreißig"),
        (66, "sixty-six", "sechsundsechzig"),
        (99, "ninety-nine", "neunundneunzig"),
        (77, "seventy-seven", "siebenundsiebzig"),
    ],
)
def test_cardinals(number: int, source: str, target: str) -> None:
    assert (english(number), german(number)) == (source, target)


@pytest.mark.parametrize(
    ("number", "source", "target"),
    [
        (1, "first", "erst"),
        (2, "second", "zweit"),
        (3, "third", "dritt"),
        (7, "seventh", "siebt"),
        (8, "eighth", "acht"),
        (12, "twelfth", "zwölft"),
        (19, "nineteenth", "neunzehnt"),
        (20, "twentieth", "zwanzigst"),
        (31, "thirty-first", "einunddreißigst"),
    ],
)
def test_ordinals(number: int, source: str, target: str) -> None:
    assert (english_ordinal(number), german_ordinal(number)) == (source, target)


def test_no_two_numbers_have_the_same_words() -> None:
    numbers = range(LARGEST + 1)
    assert len({english(number) for number in numbers}) == len({german(number) for number in numbers}) == len(numbers)


@pytest.mark.parametrize(
    ("hour", "minute", "source", "target"),
    [
        (1, 0, "one o'clock", "ein Uhr"),
        (7, 0, "seven o'clock", "sieben Uhr"),
        (1, 5, "five past one", "fünf nach eins"),
        (7, 15, "quarter past seven", "Viertel nach sieben"),
        (6, 25, "twenty-five past six", "fünf vor halb sieben"),
        (7, 30, "half past seven", "halb acht"),
        (12, 30, "half past twelve", "halb eins"),
        (7, 35, "twenty-five to eight", "fünf nach halb acht"),
        (12, 45, "quarter to one", "Viertel vor eins"),
        (3, 50, "ten to four", "zehn vor vier"),
    ],
)
def test_times_of_the_clock(hour: int, minute: int, source: str, target: str) -> None:
    assert clock(hour, minute) == Phrase(source, target)


def test_every_time_of_the_clock_has_words_of_its_own() -> None:
    times = [clock(hour, minute) for hour in range(1, 13) for minute in range(0, 60, 5)]
    assert len({time.english for time in times}) == len({time.german for time in times}) == len(times)


@pytest.mark.parametrize(
    ("day", "month", "case", "source", "target"),
    [
        (3, 5, Case.DATIVE, "third of May", "dritten Mai"),
        (3, 5, Case.NOMINATIVE, "third of May", "dritte Mai"),
        (1, 3, Case.DATIVE, "first of March", "ersten März"),
        (31, 12, Case.NOMINATIVE, "thirty-first of December", "einunddreißigste Dezember"),
    ],
)
def test_dates(day: int, month: int, case: Case, source: str, target: str) -> None:
    assert date(day, month, case) == Phrase(source, target)


@pytest.mark.parametrize(
    ("phrase", "source", "target"),
    [
        (euros(2, 50), "two euros fifty", "zwei Euro fünfzig"),
        (euros(1, 20), "one euro twenty", "einen Euro zwanzig"),
        (euros(12, 0), "twelve euros", "zwölf Euro"),
        (exactly(80, CENT), "eighty cents", "achtzig Cent"),
        (exactly(1, METRE), "one metre", "einen Meter"),
        (exactly(1, BOTTLE), "one bottle", "eine Flasche"),
        (exactly(3, BOTTLE), "three bottles", "drei Flaschen"),
        (exactly(1, YEAR), "one year", "ein Jahr"),
        (exactly(1, EURO), "one euro", "einen Euro"),
        (with_half(1, KILO), "one and a half kilos", "eineinhalb Kilo"),
        (with_half(3, LITRE), "three and a half litres", "dreieinhalb Liter"),
    ],
)
def test_amounts(phrase: Phrase, source: str, target: str) -> None:
    assert phrase == Phrase(source, target)
