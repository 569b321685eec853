"""Numbers in words: `twenty-one`, `einundzwanzig`."""

from nmtk.recipe.phrases.chance import Chance


def _words(*lines: str) -> tuple[str, ...]:
    return tuple(word for line in lines for word in line.split())


_ENGLISH = _words(
    "zero one two three four five six seven eight nine ten eleven twelve",
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
)
_GERMAN = _words(
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
)
_ENGLISH_TENS = _words("- - twenty thirty forty fifty sixty seventy eighty ninety")
_GERMAN_TENS = _words("- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
_ENGLISH_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_GERMAN_ORDINALS = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}

LARGEST = 99


def english(number: int) -> str:
    """A whole number from 0 to 99."""
    if number < 20:
        return _ENGLISH[number]
    tens, units = divmod(number, 10)
    return _ENGLISH_TENS[tens] + (f"-{_ENGLISH[units]}" if units else "")


def german(number: int) -> str:
    """A whole number from 0 to 99: units before tens, and `ein` has no s before another part."""
    if number < 20:
        return _GERMAN[number]
    tens, units = divmod(number, 10)
    joined = "ein" if units == 1 else _GERMAN[units]
    return (f"{joined}und" if units else "") + _GERMAN_TENS[tens]


def english_ordinal(number: int) -> str:
    """`third`, `twenty-first`: 1 to 99."""
    head, dash, last = english(number).rpartition("-")
    if last in _ENGLISH_ORDINALS:
        return head + dash + _ENGLISH_ORDINALS[last]
    return head + dash + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def german_ordinal(number: int) -> str:
    """The stem that takes an adjective's endings: `dritt`, `einundzwanzigst`: 1 to 99."""
    if number < 20:
        return _GERMAN_ORDINALS.get(number, german(number) + "t")
    return german(number) + "st"


def count(chance: Chance) -> int:
    """How many of something: mostly few, from 2."""
    return chance.weighed(((6, chance.between(2, 12)), (2, chance.between(13, 99))))
