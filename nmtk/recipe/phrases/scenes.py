"""Scenes: what the sentences are about. Each function makes up one statement of its kind."""

from collections.abc import Callable

from nmtk.recipe.phrases import amounts, nouns, times, verbs
from nmtk.recipe.phrases.chance import Chance
from nmtk.recipe.phrases.clauses import Clause, Phrase, Subject, Tense
from nmtk.recipe.phrases.grammar import Article, Case, Person, Verb
from nmtk.recipe.phrases.things import POSSESSIVES, Thing, another, definite, some, who

_KINDS = (
    (verbs.FOOD, nouns.FOOD, nouns.OF_FOOD),
    (verbs.SMALL, nouns.SMALL, nouns.OF_THINGS),
    (verbs.LARGE, nouns.LARGE, nouns.OF_THINGS),
)
"""What is done with things of a kind, the things, and how they can be."""


def _tense(chance: Chance, verb: Verb) -> Tense:
    """A tense, and for what is done on purpose a mood too."""
    choices = [(6, Tense.PRESENT)]
    choices += [(3, Tense.PAST)] if verb.has_past else []
    choices += [(1, Tense.WANT), (1, Tense.CAN)] if verb.willed else []
    return chance.weighed(choices)


def _when(chance: Chance, tense: Tense, percent: int = 100) -> Phrase | None:
    return times.when(chance, tense is Tense.PAST) if chance.happens(percent) else None


def _trade(chance: Chance) -> Clause:
    """She picks up three red suitcases on Monday."""
    verb_list, noun_list, adjectives = chance.one(_KINDS)
    verb, thing = chance.one(verb_list), some(chance, noun_list, adjectives)
    tense = _tense(chance, verb)
    return Clause(who(chance), verb, tense, time=_when(chance, tense, 60), object=thing.phrase(Case.ACCUSATIVE))


def _provide(chance: Chance) -> Clause:
    """He needs two and a half litres of cold milk."""
    verb = chance.one(verbs.MEASURED)
    return Clause(who(chance), verb, _tense(chance, verb), object=amounts.provision(chance))


def _give(chance: Chance) -> Clause:
    """We gave the boy two new books."""
    verb, giver = chance.one(verbs.GIVE), who(chance)
    receiver, thing = another(chance, giver), some(chance, nouns.SMALL, nouns.OF_THINGS)
    return Clause(giver, verb, _tense(chance, verb), receiver.phrase(Case.DATIVE), object=thing.phrase(Case.ACCUSATIVE))


def _meet(chance: Chance) -> Clause:
    """They invite my aunt on the third of May."""
    verb, subject = chance.one(verbs.MEET), who(chance)
    person, tense = another(chance, subject), _tense(chance, verb)
    return Clause(subject, verb, tense, time=_when(chance, tense, 70), object=person.phrase(Case.ACCUSATIVE))


def _leave(chance: Chance) -> Clause:
    """The train leaves at quarter to nine."""
    verb = chance.one(verbs.LEAVE)
    tense = _tense(chance, verb)
    return Clause(Thing(chance.one(nouns.VEHICLES), Article.THE).subject(), verb, tense, time=_when(chance, tense))


def _start(chance: Chance) -> Clause:
    """The concert starts on Friday at half past eight."""
    verb = chance.one(verbs.START)
    tense = _tense(chance, verb)
    return Clause(Thing(chance.one(nouns.EVENTS), Article.THE).subject(), verb, tense, time=_when(chance, tense))


def _get_up(chance: Chance) -> Clause:
    """My sister got up at ten past six."""
    verb = chance.one(verbs.DAILY)
    return Clause(who(chance), verb, _tense(chance, verb), time=times.at_clock(chance))


def _work(chance: Chance) -> Clause:
    """She works from nine o'clock until half past five."""
    return Clause(who(chance), verbs.WORK, _tense(chance, verbs.WORK), manner=times.from_until(chance))


def _travel(chance: Chance) -> Clause:
    """Tom travels to Hamburg by train on the third of May."""
    tense = _tense(chance, verbs.TRAVEL)
    vehicle = Thing(chance.one(nouns.VEHICLES), Article.THE)
    manner = Phrase(f"by {vehicle.noun.one}", f"mit {vehicle.german(Case.DATIVE)}") if chance.happens(50) else None
    city, german = chance.one(nouns.CITIES)
    rest = Phrase(f"to {city}", f"nach {german}")
    return Clause(who(chance), verbs.TRAVEL, tense, time=_when(chance, tense, 80), manner=manner, rest=rest)


def _cost(chance: Chance) -> Clause:
    """Your old lamp costs twelve euros fifty."""
    _, noun_list, adjectives = chance.one(_KINDS)
    thing = definite(chance, noun_list, adjectives).subject()
    return Clause(thing, verbs.COST, object=amounts.price(chance))


def _weigh(chance: Chance) -> Clause:
    """The black suitcase weighs twelve and a half kilos."""
    thing = definite(chance, nouns.LARGE, nouns.OF_THINGS).subject()
    return Clause(thing, verbs.WEIGH, _tense(chance, verbs.WEIGH), object=amounts.measure(chance, amounts.KILO))


def _be_tense(chance: Chance) -> Tense:
    return Tense.PAST if chance.happens(30) else Tense.PRESENT


def _is_long(chance: Chance) -> Clause:
    """The white wall is three and a half metres high."""
    dimension = chance.one((amounts.LONG, amounts.WIDE, amounts.HIGH))
    subject = definite(chance, nouns.BUILDINGS, nouns.OF_PLACES, owned=10).subject()
    measure = amounts.measure(chance, amounts.METRE)
    rest = Phrase(f"{measure.english} {dimension.english}", f"{measure.german} {dimension.german}")
    return Clause(subject, verbs.BE, _be_tense(chance), rest=rest)


def _is_old(chance: Chance) -> Clause:
    """My aunt is forty-one years old; she is three years older than the doctor."""
    subject, years, old = who(chance), amounts.whole(chance, amounts.YEAR), amounts.OLD
    rest = Phrase(f"{years.english} {old.english}", f"{years.german} {old.german}")
    if chance.happens(40):
        than = another(chance, subject)
        rest = Phrase(
            f"{years.english} {old.english_more} than {than.english()}",
            f"{years.german} {old.german_more} als {than.german(Case.NOMINATIVE)}",
        )
    return Clause(subject, verbs.BE, _be_tense(chance), rest=rest)


def _is_day(chance: Chance) -> Clause:
    """Today is the third of May."""
    english, german, tense = chance.one(
        (
            ("today", "heute", Tense.PRESENT),
            ("tomorrow", "morgen", Tense.PRESENT),
            ("yesterday", "gestern", Tense.PAST),
        )
    )
    day = times.some_date(chance, Case.NOMINATIVE)
    rest = Phrase(f"the {day.english}", f"der {day.german}")
    return Clause(Subject(english, german, Person.THIRD), verbs.BE, tense, rest=rest)


def _is_birthday(chance: Chance) -> Clause:
    """Her birthday is on the twenty-first of June."""
    subject = Thing(nouns.BIRTHDAY, chance.one(POSSESSIVES)).subject()
    return Clause(subject, verbs.BE, _be_tense(chance), rest=times.on_date(chance))


def _is_clock(chance: Chance) -> Clause:
    """It is half past seven."""
    return Clause(Subject("it", "es", Person.THIRD), verbs.BE, _be_tense(chance), rest=times.some_clock(chance))


_SCENES: tuple[tuple[int, Callable[[Chance], Clause]], ...] = (
    (16, _trade),
    (6, _provide),
    (6, _give),
    (5, _meet),
    (5, _leave),
    (4, _start),
    (5, _get_up),
    (4, _work),
    (6, _travel),
    (8, _cost),
    (3, _weigh),
    (5, _is_long),
    (4, _is_old),
    (2, _is_day),
    (2, _is_birthday),
    (2, _is_clock),
)


def scene(chance: Chance) -> Clause:
    """A statement of any kind."""
    return chance.weighed(_SCENES)(chance)
