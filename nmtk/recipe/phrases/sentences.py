"""Sentences: scenes put as statements and questions, alone or in a longer one; their training and test sets."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, TypeAlias

from nmtk.recipe.phrases.chance import Chance
from nmtk.recipe.phrases.clauses import (
    Clause,
    Phrase,
    english,
    english_asked,
    german,
    german_inverted,
    german_subordinate,
    join,
)
from nmtk.recipe.phrases.scenes import scene

Sentence: TypeAlias = tuple[str, str]
"""English and German."""

SHORTEST, LONGEST = 4, 12
"""Words of a sentence, on either side."""
VALID, TEST = 500, 1000
"""Sentences in the sets that are not trained on."""

_OPENINGS = (
    Phrase("I know that", "ich weiß, dass"),
    Phrase("she says that", "sie sagt, dass"),
    Phrase("he thinks that", "er glaubt, dass"),
    Phrase("we hope that", "wir hoffen, dass"),
    Phrase("they are happy because", "sie sind froh, weil"),
    Phrase("he asks if", "er fragt, ob"),
)


def statement(clause: Clause) -> Sentence:
    """She buys two books on Monday. Sie kauft am Montag zwei Bücher."""
    return _finished(english(clause), german(clause), ".")


def fronted(clause: Clause) -> Sentence:
    """On Monday she buys two books. Am Montag kauft sie zwei Bücher."""
    time = clause.time or Phrase("", "")
    source = join(time.english, english(clause, time=False))
    return _finished(source, join(time.german, german_inverted(clause, time=False)), ".")


def question(clause: Clause) -> Sentence:
    """Does she buy two books on Monday? Kauft sie am Montag zwei Bücher?"""
    return _finished(english_asked(clause), german_inverted(clause), "?")


def subordinate(clause: Clause, opening: Phrase) -> Sentence:
    """I know that she buys two books on Monday. Ich weiß, dass sie am Montag zwei Bücher kauft."""
    return _finished(join(opening.english, english(clause)), join(opening.german, german_subordinate(clause)), ".")


def _finished(source: str, target: str, end: str) -> Sentence:
    return source[0].upper() + source[1:] + end, target[0].upper() + target[1:] + end


def put(chance: Chance, clause: Clause) -> Sentence:
    """A statement in one of the ways in which it can be put."""
    shapes = [(6, "statement"), (2, "subordinate"), (1, "question")]
    shapes += [(2, "fronted")] if clause.time else []
    match chance.weighed(shapes):
        case "subordinate":
            return subordinate(clause, chance.one(_OPENINGS))
        case "question":
            return question(clause)
        case "fronted":
            return fronted(clause)
    return statement(clause)


def generate(seed: int) -> Iterator[Sentence]:
    """Different sentences without end, decided by the seed; no English one has two translations."""
    chance, seen = Chance(seed), set[str]()
    while True:
        sentence = put(chance, scene(chance))
        lengths = [side.count(" ") + 1 for side in sentence]
        if sentence[0] not in seen and min(lengths) >= SHORTEST and max(lengths) <= LONGEST:
            seen.add(sentence[0])
            yield sentence


class Split(NamedTuple):
    """The three sets."""

    train: list[Sentence]
    valid: list[Sentence]
    test: list[Sentence]


@lru_cache(maxsize=1)
def split(train: int, seed: int) -> Split:
    """Sentences for training, validation and test: no side of a training pair is in the other sets."""
    sentences = generate(seed)
    held_out = list(islice(sentences, VALID + TEST))
    targets = {target for _, target in held_out}
    rest = (sentence for sentence in sentences if sentence[1] not in targets)
    return Split(list(islice(rest, train)), held_out[:VALID], held_out[VALID:])
