"""Laws of what is held out."""

import pickle
import random

import pytest

from nmtk.data.held_out import HeldOut
from nmtk.data.pairs import Pair

HELD = [Pair("One!", "Eins", 1), Pair("A cat in the garden", "Eine Katze im Garten", 2), Pair("?", "...", 3)]


@pytest.mark.parametrize(
    ("source", "target", "held"),
    [
        ("ONE", "uno", True),
        ("uno", "«eins»", True),
        ("Eins", "One", False),
        ("a cat... in the GARDEN?", "un gatto", True),
        ("a cat in the gardens", "un gatto", False),
        ("a cat in the house", "eine Katze im Gart", False),
        ("- - - - - - - - - - - - - - - - A cat in the garden - - - - - - - - - - - -", "x", True),
        ("?", "!", False),
        ("", "", False),
    ],
)
def test_either_side_in_letters_and_digits(source: str, target: str, held: bool) -> None:
    held_out = pickle.loads(pickle.dumps(HeldOut(HELD)))
    assert held_out.holds(Pair(source, target, 9)) is held


def test_the_quick_look_never_differs_from_the_whole_one() -> None:
    """Held out is what is equal in letters and digits without case, told by going over all of them."""
    rng = random.Random(0)
    texts = ["".join(rng.choices("aAß ﬃİ.,5", k=rng.randint(0, 40))) for _ in range(2000)]
    held = texts[:40] + ["a" * length for length in range(1, 30)]
    texts += ["".join(c + rng.choice(["", " ", ","]) for c in rng.choice(held).swapcase()) for _ in range(500)]
    held_out = HeldOut(Pair(text, "", 1) for text in held)

    def letters(text: str) -> str:
        return "".join(c for c in text.casefold() if c.isalnum())

    known = set(map(letters, held)) - {""}
    for text in texts:
        assert held_out.holds(Pair(text, "z", 1)) is (letters(text) in known), text


def test_nothing_is_held_out_by_nothing() -> None:
    assert not HeldOut().holds(Pair("a", "b", 1))
