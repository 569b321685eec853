"""Amounts: prices, lengths, weights and volumes; all in the accusative, as costs and measures are."""

from collections.abc import Sequence
from typing import NamedTuple

from nmtk.recipe.phrases.chance import Chance
from nmtk.recipe.phrases.clauses import Phrase
from nmtk.recipe.phrases.grammar import Adjective, Article, Case, Gender, Noun
from nmtk.recipe.phrases.nouns import DRINKS, OF_DRINKS, OF_STAPLES, STAPLES
from nmtk.recipe.phrases.numbers import count, english, german
from nmtk.recipe.phrases.things import Thing

EURO = Noun("euro", "euros", Gender.MASCULINE, "Euro", "Euro")
CENT = Noun("cent", "cents", Gender.MASCULINE, "Cent", "Cent")
METRE = Noun("metre", "metres", Gender.MASCULINE, "Meter", "Meter")
KILO = Noun("kilo", "kilos", Gender.NEUTER, "Kilo", "Kilo")
LITRE = Noun("litre", "litres", Gender.MASCULINE, "Liter", "Liter")
BOTTLE = Noun("bottle", "bottles", Gender.FEMININE, "Flasche", "Flaschen")
YEAR = Noun("year", "years", Gender.NEUTER, "Jahr", "Jahre")


class Dimension(NamedTuple):
    """How something is measured: long, longer; lang, länger."""

    english: str
    german: str
    english_more: str
    german_more: str


LONG = Dimension("long", "lang", "longer", "länger")
WIDE = Dimension("wide", "breit", "wider", "breiter")
HIGH = Dimension("high", "hoch", "higher", "höher")
OLD = Dimension("old", "alt", "older", "älter")


def exactly(number: int, unit: Noun) -> Phrase:
    """So many of the unit; one is an article in German: one metre, einen Meter."""
    thing = Thing(unit, Article.ONE) if number == 1 else Thing(unit, number=number)
    return thing.phrase(Case.ACCUSATIVE)


def with_half(number: int, unit: Noun) -> Phrase:
    """Three and a half metres: dreieinhalb Meter."""
    return Phrase(
        f"{english(number)} and a half {unit.many}",
        f"{'ein' if number == 1 else german(number)}einhalb {unit.german_many}",
    )


def whole(chance: Chance, unit: Noun) -> Phrase:
    """One of the unit, or a whole number of it."""
    return exactly(1 if chance.happens(8) else count(chance), unit)


def measure(chance: Chance, unit: Noun) -> Phrase:
    """Some of a unit, halves included."""
    return whole(chance, unit) if chance.happens(65) else with_half(chance.between(1, 12), unit)


def euros(number: int, cents: int) -> Phrase:
    """Two euros fifty: zwei Euro fünfzig. Cents from 10, or none."""
    whole_euros = exactly(number, EURO)
    if not cents:
        return whole_euros
    return Phrase(f"{whole_euros.english} {english(cents)}", f"{whole_euros.german} {german(cents)}")


def price(chance: Chance) -> Phrase:
    """Two euros fifty, twelve euros or eighty cents."""
    match chance.weighed(((5, "both"), (3, "euros"), (1, "cents"))):
        case "cents":
            return exactly(5 * chance.between(1, 19), CENT)
        case "euros":
            return whole(chance, EURO)
    return euros(1 if chance.happens(8) else count(chance), 5 * chance.between(2, 19))


def provision(chance: Chance) -> Phrase:
    """Two and a half litres of cold milk: zweieinhalb Liter kalte Milch, both in the accusative."""
    match chance.one(("litres", "bottles", "kilos")):
        case "litres":
            return _of(chance, measure(chance, LITRE), DRINKS, OF_DRINKS)
        case "bottles":
            return _of(chance, whole(chance, BOTTLE), DRINKS, OF_DRINKS)
    return _of(chance, measure(chance, KILO), STAPLES, OF_STAPLES)


def _of(chance: Chance, amount: Phrase, nouns: Sequence[Noun], adjectives: Sequence[Adjective]) -> Phrase:
    adjective = chance.one(adjectives) if chance.happens(50) else None
    what = Thing(chance.one(nouns), adjective=adjective).phrase(Case.ACCUSATIVE)
    return Phrase(f"{amount.english} of {what.english}", f"{amount.german} {what.german}")
