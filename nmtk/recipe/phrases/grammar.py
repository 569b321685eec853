"""Grammar: articles, endings, nouns and verbs, and how German ones agree."""

from enum import Enum
from typing import NamedTuple


class Gender(Enum):
    """Grammatical gender of a German noun; the value is its column in the tables of endings."""

    MASCULINE = 0
    FEMININE = 1
    NEUTER = 2


class Case(Enum):
    """The cases that are used here; the value is the row in the tables of endings."""

    NOMINATIVE = 0
    ACCUSATIVE = 1
    DATIVE = 2


class Person(Enum):
    """What a finite verb agrees with; the value is its place among a verb's forms."""

    FIRST = 0
    """I."""
    SECOND = 1
    """You, one friend: du."""
    THIRD = 2
    """He, she, it, and every noun in the singular."""
    PLURAL = 3
    """We, they, and every noun in the plural: German has one form for them."""


# Rows: nominative, accusative, dative. Columns: masculine, feminine, neuter, plural.
_DER = (("der", "die", "das", "die"), ("den", "die", "das", "die"), ("dem", "der", "dem", "den"))
_EIN = (("", "e", "", "e"), ("en", "e", "", "e"), ("em", "er", "em", "en"))
# The endings of an adjective after the one, after the other, and without an article.
_WEAK = (("e", "e", "e", "en"), ("en", "e", "e", "en"), ("en", "en", "en", "en"))
_MIXED = (("er", "e", "es", "en"), ("en", "e", "es", "en"), ("en", "en", "en", "en"))
_STRONG = (("er", "e", "es", "e"), ("en", "e", "es", "e"), ("em", "er", "em", "en"))


class Article(Enum):
    """The word that a noun phrase begins with; the value is the German stem."""

    NONE = ""
    THE = "d"
    ONE = "ein"
    NO = "kein"
    MY = "mein"
    YOUR = "dein"
    HIS = "sein"
    HER = "ihr"
    OUR = "unser"

    def german(self, case: Case, gender: Gender, plural: bool) -> str:
        """The German word, empty for NONE."""
        column = 3 if plural else gender.value
        if self is Article.THE:
            return _DER[case.value][column]
        return self.value + _EIN[case.value][column] if self is not Article.NONE else ""

    def ending(self, case: Case, gender: Gender, plural: bool) -> str:
        """What an adjective after it ends in."""
        table = _WEAK if self is Article.THE else _STRONG if self is Article.NONE else _MIXED
        return table[case.value][3 if plural else gender.value]


class Noun(NamedTuple):
    """A noun of both languages, singular and plural. What has no plural has the same word twice."""

    one: str
    many: str
    gender: Gender
    german_one: str
    german_many: str
    weak: bool = False
    """Ends in -(e)n in every case but the nominative: der Junge, den Jungen."""

    def english(self, plural: bool) -> str:
        """The English form."""
        return self.many if plural else self.one

    def german(self, case: Case, plural: bool) -> str:
        """The German form. The dative plural ends in n, unless the plural ends in n or s already."""
        if plural:
            return self.german_many + ("n" if case is Case.DATIVE and self.german_many[-1] not in "ns" else "")
        return self.german_many if self.weak and case is not Case.NOMINATIVE else self.german_one


class Adjective(NamedTuple):
    """An adjective before a noun; the German stem takes the endings: teuer, teur-."""

    english: str
    stem: str


class Verb(NamedTuple):
    """A verb of both languages, its forms in the order of `Person`."""

    english: tuple[str, str, str, str]
    english_past: tuple[str, str, str, str]
    base: str
    german: tuple[str, str, str, str]
    """The present without a separable prefix: hole, holst, holt, holen."""
    infinitive: str
    """With the prefix: abholen."""
    participle: str
    """Abgeholt."""
    prefix: str = ""
    being: bool = False
    """Makes its perfect with `sein`: ist gefahren."""
    german_past: tuple[str, str, str, str] | None = None
    """The simple past, where it is used in place of the perfect: war."""
    copula: bool = False
    """English asks by turning it round, without `do`: is it?"""
    willed: bool = True
    """Is done on purpose, so that one can want to or have to do it."""

    @property
    def has_past(self) -> bool:
        """Whether the past can be told from the present in English: he put, but also they put."""
        return self.english_past[0] != self.english[0]


def verb(english: str, german: str, prefix: str = "", *, being: bool = False, willed: bool = True) -> Verb:
    """A verb from `take takes took` and `nehmen nehme nimmst nimmt genommen`; an underscore is a space."""
    base, third, past = (form.replace("_", " ") for form in english.split())
    infinitive, first, second, one, participle = german.split()
    forms = (first, second, one, infinitive)
    return Verb(
        english=(base, base, third, base),
        english_past=(past, past, past, past),
        base=base,
        german=forms,
        infinitive=prefix + infinitive,
        participle=participle,
        prefix=prefix,
        being=being,
        willed=willed,
    )
