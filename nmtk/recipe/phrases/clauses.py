"""Clauses: one statement, put into words as an English and a German sentence of several shapes.

English keeps its order (who, does, what, where, how, when). German puts the finite verb second, or last in a
subordinate clause, the rest of the verb at the end, and time before the object.
"""

from enum import Enum
from typing import NamedTuple

from nmtk.recipe.phrases.grammar import Person, Verb


class Phrase(NamedTuple):
    """The same in both languages; the German is in the case that its place asks for."""

    english: str
    german: str


class Subject(NamedTuple):
    """Who or what: in the nominative."""

    english: str
    german: str
    person: Person


class Tense(Enum):
    """Tense or mood. The English past is the German perfect, but for `was`."""

    PRESENT = "present"
    PAST = "past"
    WANT = "want"
    CAN = "can"


class Clause(NamedTuple):
    """A statement. German puts the parts between the verb's two halves in the order in which they stand here."""

    subject: Subject
    verb: Verb
    tense: Tense = Tense.PRESENT
    receiver: Phrase | None = None
    time: Phrase | None = None
    object: Phrase | None = None
    manner: Phrase | None = None
    rest: Phrase | None = None
    """A place, a direction or what the subject is."""


_GERMAN_HELPERS = {
    Tense.WANT: ("will", "willst", "will", "wollen"),
    Tense.CAN: ("kann", "kannst", "kann", "können"),
}
_HAVE = ("habe", "hast", "hat", "haben")
_BE = ("bin", "bist", "ist", "sind")


def join(*parts: str) -> str:
    """The parts that are not empty, with spaces between."""
    return " ".join(part for part in parts if part)


def _english_verb(clause: Clause) -> tuple[str, str]:
    """The finite helper, if there is one, and the rest of the verb: (`can`, `buy`), (``, `buys`)."""
    verb, tense, place = clause.verb, clause.tense, clause.subject.person.value
    if tense is Tense.CAN:
        return "can", verb.base
    if tense is Tense.WANT:
        return "", f"{'wants' if clause.subject.person is Person.THIRD else 'want'} to {verb.base}"
    finite = (verb.english_past if tense is Tense.PAST else verb.english)[place]
    return (finite, "") if verb.copula else ("", finite)


def _english_asked(clause: Clause) -> tuple[str, str]:
    """The same for a question, which always has a helper: (`does`, `buy`)."""
    helper, main = _english_verb(clause)
    if helper:
        return helper, main
    does = "does" if clause.subject.person is Person.THIRD else "do"
    base = f"want to {clause.verb.base}" if clause.tense is Tense.WANT else clause.verb.base
    return "did" if clause.tense is Tense.PAST else does, base


def _english_after(clause: Clause, time: bool = True) -> str:
    """All that follows the English verb."""
    parts = (clause.receiver, clause.object, clause.rest, clause.manner, clause.time if time else None)
    return join(*(part.english for part in parts if part))


def _german_verb(clause: Clause) -> tuple[str, str]:
    """The finite verb, and what stands at the end: (`hat`, `gekauft`), (`holt`, `ab`)."""
    verb, tense, place = clause.verb, clause.tense, clause.subject.person.value
    if tense in _GERMAN_HELPERS:
        return _GERMAN_HELPERS[tense][place], verb.infinitive
    if tense is Tense.PAST:
        if verb.german_past:
            return verb.german_past[place], ""
        return (_BE if verb.being else _HAVE)[place], verb.participle
    return verb.german[place], verb.prefix


def _german_middle(clause: Clause, time: bool = True) -> str:
    """All between the two halves of the German verb, but for the subject."""
    parts = (clause.receiver, clause.time if time else None, clause.object, clause.manner, clause.rest)
    return join(*(part.german for part in parts if part))


def english(clause: Clause, time: bool = True) -> str:
    """The English statement, also in a subordinate clause: `she picks up two books on Monday`."""
    return join(clause.subject.english, *_english_verb(clause), _english_after(clause, time))


def english_asked(clause: Clause) -> str:
    """The English question: `does she pick up two books on Monday`."""
    helper, main = _english_asked(clause)
    return join(helper, clause.subject.english, main, _english_after(clause))


def german(clause: Clause) -> str:
    """The German main clause: `sie holt am Montag zwei Bücher ab`."""
    finite, last = _german_verb(clause)
    return join(clause.subject.german, finite, _german_middle(clause), last)


def german_inverted(clause: Clause, time: bool = True) -> str:
    """The German question, and what follows anything else that comes first: `holt sie am Montag zwei Bücher ab`."""
    finite, last = _german_verb(clause)
    return join(finite, clause.subject.german, _german_middle(clause, time), last)


def german_subordinate(clause: Clause) -> str:
    """The German clause after a conjunction: `sie am Montag zwei Bücher abholt`."""
    finite, last = _german_verb(clause)
    verb = last + finite if last and last == clause.verb.prefix else join(last, finite)
    return join(clause.subject.german, _german_middle(clause), verb)
