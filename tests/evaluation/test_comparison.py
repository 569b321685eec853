import random
from collections import Counter

import pytest

from nmtk.errors import DataError
from nmtk.evaluation.comparison import LENGTHS, Comparison, compare, pieces, words_of
from nmtk.evaluation.metrics import Bleu, evaluate
from nmtk.evaluation.significance import Resampling
from nmtk.evaluation.testsets import Task

REFERENCE = ["Der Hund schläft.", "Zwei Katzen sitzen auf der Mauer.", "Es regnet, und es ist kalt.", "Ja."]
FIRST = ["Der Hund schläft.", "Zwei Katzen sind auf der Mauer.", "Es regnet, und es ist kalt.", "Nein."]
SECOND = ["Der Hund schläft.", "Zwei Katzen sitzen auf der Mauer.", "Es schneit.", "Nie."]
SOURCE = ["a", "b", "c", "d"]


@pytest.fixture
def comparison() -> Comparison:
    task = Task([("ref", REFERENCE)], ("src", SOURCE))
    return compare(task, (("first", FIRST), ("second", SECOND)), [Bleu()], Resampling("bs", 100))


def test_sentences_that_differ_go_from_the_largest_gain_to_the_largest_loss(comparison: Comparison) -> None:
    assert comparison.sentences == 4
    assert [one.number for one in comparison.differences] == [2, 4, 3]
    gain, *_, loss = comparison.differences
    assert (gain.source, gain.references, gain.outputs) == ("b", [REFERENCE[1]], (FIRST[1], SECOND[1]))
    assert gain.scores[1] == pytest.approx(100)
    assert gain.scores[0] == pytest.approx(evaluate([FIRST[1]], [[REFERENCE[1]]], ["chrf"])[0].score)
    assert gain.change > 0 > loss.change


def test_every_sentence_is_in_one_bucket_of_lengths(comparison: Comparison) -> None:
    assert [(one.label, one.size) for one in comparison.lengths] == [("0 to 9", 4)]
    long = [" ".join(["wort"] * count) + "." for count in (1, 9, 10, 59, 60, 99)]
    found = compare(Task([("ref", long)]), (("a", long), ("b", [*long[:-1], "wort."])), [Bleu()], Resampling())
    assert [(one.label, one.size) for one in found.lengths] == [
        ("0 to 9", 2), ("10 to 19", 1), ("40 to 59", 1), ("60+", 2),
    ]  # fmt: skip
    assert found.lengths[0].scores == pytest.approx((100, 100))
    assert found.lengths[-1].scores[1] < 100
    assert LENGTHS[0] == 0


def test_words_are_rare_or_common_by_the_training_text() -> None:
    task = Task([("ref", ["rare often often", "often new"])])
    systems = ("a", ["rare often often", "often old"]), ("b", ["rar often often often", "often new"])
    seen = Counter({"rare": 1, "often": 500, "old": 3})
    found = compare(task, systems, [Bleu()], Resampling(), seen=seen)
    assert [(one.label, one.size) for one in found.words] == [("0", 1), ("1", 1), ("100 to 999", 3)]
    new, rare, often = (one.scores for one in found.words)
    assert new == pytest.approx((0, 200 / 3))  # b says `new`, and a word more that was never seen: `rar`
    assert rare == pytest.approx((100, 0))
    assert often == pytest.approx((100, 200 * 3 / 7))
    assert found.frequency == "training text"


def test_without_a_training_text_the_reference_counts(comparison: Comparison) -> None:
    assert comparison.frequency == "reference"
    assert sum(one.size for one in comparison.words) == words_of(REFERENCE).total()


def test_words_that_the_reference_has_nowhere_are_counted(comparison: Comparison) -> None:
    assert comparison.strange == (2, 2)  # sind, Nein; schneit, Nie
    task = Task([("ref", ["ein Hund"]), ("other", ["der Hund"])])
    found = compare(task, (("a", ["der der Hut Hut"]), ("b", ["ein Hund"])), [Bleu()], Resampling())
    assert found.strange == (2, 0)


def test_the_pieces_of_a_line_are_the_line() -> None:
    marks = random.Random(1)
    for _ in range(200):
        line, other = ("".join(marks.choices("ab ,-.", k=marks.randrange(12))) for _ in range(2))
        assert "".join(piece.text for piece in pieces(line, other, [other])) == line
        assert all(piece.expected for piece in pieces(line, other, [line]) if piece.differs)
        assert not any(piece.differs for piece in pieces(line, line, []))


def test_only_the_words_that_differ_are_marked_and_whether_a_reference_has_them() -> None:
    found = pieces(
        "Andere rundeten den Vergleich ab.", "Andere lehnten den Vergleich ab.", ["Man rundet den Vergleich."]
    )
    assert [tuple(piece) for piece in found] == [
        ("Andere ", False, False), ("rundeten", True, False), (" den Vergleich ab.", False, False),
    ]  # fmt: skip
    [marked] = [piece for piece in pieces("ein Hund", "ein Hut", ["der Hund", "x"]) if piece.differs]
    assert tuple(marked) == ("Hund", True, True)


def test_characters_are_words_where_a_script_has_no_spaces() -> None:
    [marked] = [piece for piece in pieces("今天天气很好。", "今天天气不好。", ["今天天气很好。"]) if piece.differs]
    assert tuple(marked) == ("很", True, True)
    task = Task([("ref", ["今天天气很好我们去公园", "好"])])
    found = compare(task, (("a", ["今天天气很好我们去", "好"]), ("b", ["今天", "不好"])), [Bleu()], Resampling())
    assert [(one.label, one.size) for one in found.lengths] == [("0 to 9", 1), ("10 to 19", 1)]
    assert sum(one.size for one in found.words) == 12
    assert found.strange == (0, 1)


def test_texts_of_other_lengths_are_named() -> None:
    with pytest.raises(DataError, match=r"^b has 1 line, but ref has 4 lines"):
        compare(Task([("ref", REFERENCE)]), (("a", FIRST), ("b", ["x"])), [Bleu()], Resampling())
