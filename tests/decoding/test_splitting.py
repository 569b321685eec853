from collections.abc import Sequence

import pytest

from nmtk.decoding.splitting import sentences, split, split_text


def characters(texts: Sequence[str]) -> list[list[int]]:
    """A vocabulary of characters, in which a cut can be read."""
    return [[ord(character) for character in text] for text in texts]


def parts(text: str, longest: int) -> list[str]:
    return ["".join(map(chr, part)) for part in split(text, characters, longest)]


PROSE = "The first one is short. Then comes one that is longer, with a comma, and with more! Is it the last? Yes."
CHINESE = "一二三。四五六！七八九、十一二三四五六七八九"
TEXTS = [PROSE, CHINESE, "a" * 100, "word " * 30, " lead, and trail ", "a, " + "b" * 50]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("longest", [1, 2, 7, 20, 60])
def test_parts_are_short_enough_and_lose_nothing_but_white_space(text: str, longest: int) -> None:
    found = parts(text, longest)
    assert all(0 < len(part) <= longest for part in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_what_is_short_enough_stays_as_it_is() -> None:
    assert parts(" One. Two. ", 11) == [" One. Two. "]


def test_it_cuts_at_sentence_ends_first_then_clauses_then_spaces() -> None:
    assert parts(PROSE, 61) == [
        "The first one is short.",
        "Then comes one that is longer, with a comma, and with more!",
        "Is it the last?",
        "Yes.",
    ]
    assert parts(PROSE, 50)[1:3] == ["Then comes one that is longer,", "with a comma, and with more!"]
    assert parts("one two three four", 9) == ["one two", "three", "four"]


def test_text_without_spaces_is_cut_evenly() -> None:
    assert [len(part) for part in parts("x" * 25, 10)] == [8, 8, 9]


def test_a_text_of_many_thousand_words_is_split() -> None:
    assert len(parts("word " * 20_000, 100)) >= 1000


@pytest.mark.parametrize("text", [*TEXTS, "One. Two. three. Four", "1. One. 2. Two."])
@pytest.mark.parametrize("longest", [7, 1000])
def test_a_paragraph_is_cut_at_every_sentence_end_however_short(text: str, longest: int) -> None:
    found = [part for part, _ in split_text(text, characters, longest, always=True)]
    if longest == 1000:
        assert found == sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_the_parts_of_a_text_stand_in_it_in_order() -> None:
    for text in TEXTS:
        at = 0
        for part, pieces in split_text(text, characters, 20):
            at = text.index(part, at) + len(part)
            assert pieces == characters([part])[0]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "It rains. He said: “Go!” She went.", ["It rains.", "He said: “Go!”", "She went."]),
        (
            "de",
            "J. S. Bach schrieb es am 3. Oktober. Er war alt.",
            ["J. S. Bach schrieb es am 3. Oktober.", "Er war alt."],
        ),
        ("de-AT", "Am 3. Oktober kam Dr. Müller, z. B. zu uns.", ["Am 3. Oktober kam Dr. Müller, z. B. zu uns."]),
        ("en", "He came, e.g. by train. ok", ["He came, e.g. by train. ok"]),
        (
            "en",
            "Mr. Smith came at 5 p.m. It was 1984. He left.",
            ["Mr. Smith came at 5 p.m.", "It was 1984.", "He left."],
        ),
        ("zh", "我来了。你呢？「好。」他说", ["我来了。", "你呢？", "「好。」", "他说"]),
        ("en", "我来了。你呢？「好。」他说", ["我来了。", "你呢？", "「好。」", "他说"]),
        ("hi", "यह एक वाक्य है। यह दूसरा है।", ["यह एक वाक्य है।", "यह दूसरा है।"]),
        ("ar", "كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
        ("fr", "M. Dupont est là. Il part.", ["M. Dupont est là.", "Il part."]),
        ("en", "1. Open it. 2. Close it.", ["1. Open it.", "2. Close it."]),
        ("en", "- Open it. - Close it.", ["- Open it.", "- Close it."]),
        ("en", "See Node.JS and One.Two. Then go.", ["See Node.JS and One.Two.", "Then go."]),
        ("en", "Really? ?! Yes.", ["Really? ?!", "Yes."]),
        ("en", "Hi.\u2028There.", ["Hi.", "There."]),
        ("no language", "One. Two.", ["One.", "Two."]),
        ("en", "No end mark", ["No end mark"]),
        ("en", "Costs 3.50 a piece.", ["Costs 3.50 a piece."]),
        ("en", "", []),
        ("en", "  ", []),
    ],
)
def test_sentences(language: str, text: str, expected: list[str]) -> None:
    assert sentences(text, language) == expected


def test_a_long_list_of_numbers_is_one_sentence_with_what_follows() -> None:
    """Each number is looked at once, though none of them ends the sentence."""
    numbers = "1. " * 20_000
    assert sentences(numbers + "One. Two.") == [numbers + "One.", "Two."]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A. B. Smith came. He left.", ["A. B. Smith came.", "He left."]),
        ("Node.JS. He left.", ["Node.JS.", "He left."]),
        ("(1.) He came. (2.) He left.", ["(1.) He came.", "(2.) He left."]),
    ],
)
def test_what_goes_on_is_seen_across_pieces(text: str, found: list[str]) -> None:
    assert sentences(text) == found


def test_a_long_run_of_spaces_is_no_work() -> None:
    assert parts("one" + " " * 200_000 + "two", 4) == ["one", "two"]
    assert parts("one" + " " * 1000 + "\u2013 two", 10)[-1] == "\u2013 two"
