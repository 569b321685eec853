"""Noun phrases: `the three old chairs`, `die drei alten Stühle`, in any case."""

from collections.abc import Sequence
from typing import NamedTuple

from nmtk.recipe.phrases.chance import Chance
from nmtk.recipe.phrases.clauses import Phrase, Subject, join
from nmtk.recipe.phrases.grammar import Adjective, Article, Case, Noun, Person
from nmtk.recipe.phrases.nouns import FAMILY, NAMES, OF_PEOPLE, PEOPLE
from nmtk.recipe.phrases.numbers import count, english, german

_ENGLISH = {
    Article.NONE: "",
    Article.THE: "the",
    Article.ONE: "one",
    Article.NO: "no",
    Article.MY: "my",
    Article.YOUR: "your",
    Article.HIS: "his",
    Article.HER: "her",
    Article.OUR: "our",
}
POSSESSIVES = (Article.MY, Article.YOUR, Article.HIS, Article.HER, Article.OUR)


class Thing(NamedTuple):
    """A noun with what stands before it. With a number it is plural; `one` is an article here."""

    noun: Noun
    article: Article = Article.NONE
    number: int | None = None
    adjective: Adjective | None = None
    plural: bool = False

    @property
    def person(self) -> Person:
        """What a verb agrees with when this is its subject."""
        return Person.PLURAL if self.many else Person.THIRD

    @property
    def many(self) -> bool:
        """Whether it is plural."""
        return self.plural or self.number is not None

    def english(self) -> str:
        """In English, where only the noun changes."""
        number = english(self.number) if self.number is not None else ""
        adjective = self.adjective.english if self.adjective else ""
        return join(_ENGLISH[self.article], number, adjective, self.noun.english(self.many))

    def german(self, case: Case) -> str:
        """In German, in one of the cases."""
        number = german(self.number) if self.number is not None else ""
        agree = (case, self.noun.gender, self.many)
        adjective = self.adjective.stem + self.article.ending(*agree) if self.adjective else ""
        return join(self.article.german(*agree), number, adjective, self.noun.german(case, self.many))

    def phrase(self, case: Case) -> Phrase:
        """As a part of a clause."""
        return Phrase(self.english(), self.german(case))

    def subject(self) -> Subject:
        """As the subject of a clause."""
        return Subject(self.english(), self.german(Case.NOMINATIVE), self.person)


PRONOUNS = (
    Subject("I", "ich", Person.FIRST),
    Subject("you", "du", Person.SECOND),
    Subject("he", "er", Person.THIRD),
    Subject("she", "sie", Person.THIRD),
    Subject("we", "wir", Person.PLURAL),
    Subject("they", "sie", Person.PLURAL),
)


def some(chance: Chance, nouns: Sequence[Noun], adjectives: Sequence[Adjective]) -> Thing:
    """Some of the things, any kind of phrase: several, one, none, the, mine."""
    noun = chance.one(nouns)
    adjective = chance.one(adjectives) if chance.happens(60) else None
    match chance.weighed(((5, "several"), (2, "one"), (1, "no"), (2, "definite"))):
        case "several":
            return Thing(noun, Article.NONE, count(chance), adjective)
        case "one":
            return Thing(noun, Article.ONE, None, adjective)
        case "no":
            return Thing(noun, Article.NO, None, adjective, plural=True)
    return definite(chance, nouns, adjectives)


def definite(chance: Chance, nouns: Sequence[Noun], adjectives: Sequence[Adjective], owned: int = 40) -> Thing:
    """Certain things: the, or, in `owned` cases of a hundred, someone's; one or several."""
    article = chance.one(POSSESSIVES) if chance.happens(owned) else Article.THE
    number = chance.between(2, 12) if chance.happens(40) else None
    return Thing(chance.one(nouns), article, number, chance.one(adjectives) if chance.happens(50) else None)


def someone(chance: Chance) -> Thing:
    """One or a few people, as a noun phrase."""
    adjective = chance.one(OF_PEOPLE) if chance.happens(20) else None
    if chance.happens(50):
        number = chance.between(2, 12) if chance.happens(25) else None
        return Thing(chance.one(PEOPLE), Article.THE, number, adjective)
    return Thing(chance.one(FAMILY), chance.one(POSSESSIVES), 2 if chance.happens(20) else None, adjective)


def who(chance: Chance) -> Subject:
    """Someone who does something: a pronoun, a name or a noun phrase."""
    match chance.weighed(((5, "pronoun"), (2, "name"), (3, "thing"))):
        case "pronoun":
            return chance.one(PRONOUNS)
        case "name":
            name = chance.one(NAMES)
            return Subject(name, name, Person.THIRD)
    return someone(chance).subject()


def another(chance: Chance, than: Subject) -> Thing:
    """Someone else, as a noun phrase."""
    person = someone(chance)
    return another(chance, than) if person.english() == than.english else person
