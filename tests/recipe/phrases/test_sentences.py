"""Laws of the generator, and sentences checked by hand."""

from collections.abc import Callable
from itertools import islice

import pytest

from nmtk.recipe.phrases import nouns, verbs
from nmtk.recipe.phrases.amounts import KILO, euros, with_half
from nmtk.recipe.phrases.clauses import Clause, Phrase, Subject, Tense
from nmtk.recipe.phrases.grammar import Adjective, Article, Case, Noun, Person, Verb
from nmtk.recipe.phrases.sentences import (
    LONGEST,
    SHORTEST,
    TEST,
    VALID,
    Sentence,
    Split,
    fronted,
    generate,
    question,
    split,
    statement,
    subordinate,
)
from nmtk.recipe.phrases.things import PRONOUNS, Thing
from nmtk.recipe.phrases.times import clock, date

ME, YOU, HE, SHE, WE, THEY = PRONOUNS
MONDAY = Phrase("on Monday", "am Montag")
KNOW = Phrase("I know that", "ich weiß, dass")


def verb(infinitive: str) -> Verb:
    every = [*verbs.FOOD, *verbs.SMALL, *verbs.LARGE, *verbs.GIVE, *verbs.MEET, *verbs.START, *verbs.DAILY]
    return next(one for one in every if one.infinitive == infinitive)


def noun(name: str) -> Noun:
    every = nouns.FOOD + nouns.SMALL + nouns.LARGE + nouns.PEOPLE + nouns.FAMILY + nouns.EVENTS
    return next(one for one in every if one.one == name)


def adjective(name: str) -> Adjective:
    return next(one for one in nouns.OF_THINGS + nouns.OF_FOOD + nouns.OF_PEOPLE if one.english == name)


def whom(thing: Thing) -> Phrase:
    return thing.phrase(Case.ACCUSATIVE)


TWO_BOOKS = whom(Thing(noun("book"), number=2))
A_RED_SUITCASE = whom(Thing(noun("suitcase"), Article.ONE, None, adjective("red")))
FETCH = Clause(SHE, verb("abholen"), time=MONDAY, object=TWO_BOOKS)
COSTS = Clause(Thing(noun("lamp"), Article.YOUR, None, adjective("old")).subject(), verbs.COST, object=euros(12, 50))
SEVEN = clock(7, 30)
RISE = Clause(THEY, verb("aufstehen"), time=Phrase(f"at {SEVEN.english}", f"um {SEVEN.german}"))
BOY = Thing(noun("boy"), Article.THE)
LEND = Clause(WE, verb("leihen"), receiver=BOY.phrase(Case.DATIVE), object=TWO_BOOKS)
MAY = date(3, 5, Case.NOMINATIVE)


@pytest.mark.parametrize(
    ("made", "source", "target"),
    [
        (statement(FETCH), "She picks up two books on Monday.", "Sie holt am Montag zwei Bücher ab."),
        (question(FETCH), "Does she pick up two books on Monday?", "Holt sie am Montag zwei Bücher ab?"),
        (fronted(FETCH), "On Monday she picks up two books.", "Am Montag holt sie zwei Bücher ab."),
        (
            subordinate(FETCH, KNOW),
            "I know that she picks up two books on Monday.",
            "Ich weiß, dass sie am Montag zwei Bücher abholt.",
        ),
        (
            subordinate(FETCH._replace(tense=Tense.PAST), KNOW),
            "I know that she picked up two books on Monday.",
            "Ich weiß, dass sie am Montag zwei Bücher abgeholt hat.",
        ),
        (
            subordinate(FETCH._replace(tense=Tense.WANT), KNOW),
            "I know that she wants to pick up two books on Monday.",
            "Ich weiß, dass sie am Montag zwei Bücher abholen will.",
        ),
        (
            question(FETCH._replace(tense=Tense.CAN)),
            "Can she pick up two books on Monday?",
            "Kann sie am Montag zwei Bücher abholen?",
        ),
        (
            question(FETCH._replace(tense=Tense.PAST)),
            "Did she pick up two books on Monday?",
            "Hat sie am Montag zwei Bücher abgeholt?",
        ),
        (
            statement(Clause(ME, verb("kaufen"), object=A_RED_SUITCASE)),
            "I buy one red suitcase.",
            "Ich kaufe einen roten Koffer.",
        ),
        (
            statement(Clause(YOU, verb("nehmen"), object=whom(Thing(noun("apple"), Article.NO, plural=True)))),
            "You take no apples.",
            "Du nimmst keine Äpfel.",
        ),
        (statement(COSTS), "Your old lamp costs twelve euros fifty.", "Deine alte Lampe kostet zwölf Euro fünfzig."),
        (question(COSTS), "Does your old lamp cost twelve euros fifty?", "Kostet deine alte Lampe zwölf Euro fünfzig?"),
        (statement(RISE), "They get up at half past seven.", "Sie stehen um halb acht auf."),
        (
            fronted(RISE._replace(tense=Tense.PAST)),
            "At half past seven they got up.",
            "Um halb acht sind sie aufgestanden.",
        ),
        (statement(LEND), "We lend the boy two books.", "Wir leihen dem Jungen zwei Bücher."),
        (
            statement(Clause(HE, verb("einladen"), object=whom(Thing(noun("aunt"), Article.MY)))),
            "He invites my aunt.",
            "Er lädt meine Tante ein.",
        ),
        (
            statement(
                Clause(Subject("today", "heute", Person.THIRD), verbs.BE, rest=Phrase("the " + MAY[0], "der " + MAY[1]))
            ),
            "Today is the third of May.",
            "Heute ist der dritte Mai.",
        ),
        (
            statement(Clause(Thing(noun("suitcase"), Article.THE).subject(), verbs.WEIGH, object=with_half(12, KILO))),
            "The suitcase weighs twelve and a half kilos.",
            "Der Koffer wiegt zwölfeinhalb Kilo.",
        ),
        (
            question(Clause(Subject("it", "es", Person.THIRD), verbs.BE, Tense.PAST, rest=SEVEN)),
            "Was it half past seven?",
            "War es halb acht?",
        ),
    ],
)
def test_sentences_are_good_in_both_languages(made: Sentence, source: str, target: str) -> None:
    assert made == (source, target)


@pytest.mark.parametrize(
    ("case", "target"),
    [
        (Case.NOMINATIVE, "die drei alten Stühle"),
        (Case.ACCUSATIVE, "die drei alten Stühle"),
        (Case.DATIVE, "den drei alten Stühlen"),
    ],
)
def test_nouns_agree_with_what_stands_before_them(case: Case, target: str) -> None:
    assert Thing(noun("chair"), Article.THE, 3, adjective("old")).phrase(case) == Phrase("the three old chairs", target)


@pytest.fixture(scope="module")
def sets() -> Split:
    return split(6000, seed=3)


def test_the_seed_decides_everything(sets: Split) -> None:
    again: Callable[[int, int], Split] = split.__wrapped__  # past the cache
    assert again(6000, 3) == sets
    assert again(100, 4).test != sets.test


def test_more_training_pairs_change_no_other_set(sets: Split) -> None:
    fewer = split(50, seed=3)
    assert fewer == Split(sets.train[:50], sets.valid, sets.test)


def test_a_sentence_has_one_translation() -> None:
    """The generator passes over what it has made before; what it passes over must have been translated alike."""
    from nmtk.recipe.phrases.chance import Chance
    from nmtk.recipe.phrases.scenes import scene
    from nmtk.recipe.phrases.sentences import put

    chance, known = Chance(5), dict[str, str]()
    repeated = 0
    for _ in range(8000):
        source, target = put(chance, scene(chance))
        repeated += source in known
        assert known.setdefault(source, target) == target
    assert repeated > 100


def test_no_side_of_a_training_pair_is_in_another_set(sets: Split) -> None:
    for side in (0, 1):
        trained = {pair[side] for pair in sets.train}
        assert not trained & {pair[side] for pair in sets.valid + sets.test}
    every = [source for pairs in sets for source, _ in pairs]
    assert len(every) == len(set(every)) == 6000 + VALID + TEST


def test_sentences_are_short_and_finished() -> None:
    for pair in islice(generate(seed=9), 2000):
        for text in pair:
            assert SHORTEST <= len(text.split(" ")) <= LONGEST
            assert text[0].isupper()
            assert text[-1] in ".?"
            assert text == " ".join(text.split())
        assert pair[0][-1] == pair[1][-1]
        assert pair[0].isascii()
