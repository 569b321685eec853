import re
from typing import Any

import pytest

from nmtk.errors import DataError, OptionsError
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabulary


def options(**settings: Any) -> VocabularyOptions:
    return VocabularyOptions.parse(settings, "test")


@pytest.mark.parametrize("kind", ["unigram", "bpe", "char"])
@pytest.mark.parametrize("sample", [10_000, 100])
def test_the_same_input_gives_the_same_bytes(kind: str, sample: int, text: list[str]) -> None:
    settings = options(kind=kind, size=360, sample=sample)
    assert learn(iter(text), settings) == learn(iter(text), settings)


def test_nothing_is_logged(text: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    learn(text, options(size=400))
    assert capfd.readouterr() == ("", "")


def test_a_sample_depends_on_the_seed(text: list[str]) -> None:
    one, other, all_of_it = (learn(text, options(size=300, sample=n, seed=s)) for n, s in ((50, 1), (50, 2), (600, 1)))
    assert len({one, other, all_of_it}) == 3
    assert learn(text, options(size=300, sample=600, seed=2)) == all_of_it  # it fits: the seed has nothing to choose


def test_one_vocabulary_from_many_texts(text: list[str]) -> None:
    vocabulary = Vocabulary(learn([*text, *["жук жаба жираф"] * 50], options(size=450)))
    assert vocabulary.widths[vocabulary.encode([f"{text[0]} жаба"])[0]].all()


@pytest.mark.parametrize(
    "line",
    [
        "ba le " * 20_000 + "ж",
        "ba" * 60_000 + "ж",
        "漢字" * 40_000 + "ж",
        "▅ a line that SentencePiece passes over ж",
    ],
    ids=["long", "long word", "long without spaces", "reserved character"],
)
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_no_line_is_passed_over(line: str, kind: str, text: list[str]) -> None:
    vocabulary = Vocabulary(learn([*text, line], options(kind=kind, size=500, coverage=1.0)))
    assert "ж" in vocabulary.pieces(range(len(vocabulary)))


def test_coverage_chooses_the_characters(text: list[str]) -> None:
    lines = [*text, "ж"]
    narrow, wide = (Vocabulary(learn(lines, options(size=400, coverage=share))) for share in (0.99, 1.0))
    assert "ж" not in narrow.pieces(range(len(narrow)))
    assert "ж" in wide.pieces(range(len(wide)))


@pytest.mark.parametrize(
    ("normalisation", "wanted"),
    [("identity", "Ａ ﬁ"), ("nfkc", "A fi"), ("nmt_nfkc", "A fi"), ("nfkc_cf", "a fi"), ("nmt_nfkc_cf", "a fi")],
)
def test_normalisation(normalisation: str, wanted: str, text: list[str]) -> None:
    vocabulary = Vocabulary(learn(text, options(size=400, normalisation=normalisation)))
    assert vocabulary.decode(vocabulary.encode(["Ａ ﬁ"])) == [wanted]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
@pytest.mark.parametrize("byte_fallback", [True, False])
def test_too_large_a_size_names_the_largest_which_then_works(kind: str, byte_fallback: bool, text: list[str]) -> None:
    settings = {"kind": kind, "byte_fallback": byte_fallback}
    with pytest.raises(DataError) as error:
        learn(text[:50], options(size="32k", **settings))
    wanted = rf"vocabulary size 32000 is too large for this text: at most (\d+) {kind} pieces"
    match = re.fullmatch(wanted, str(error.value))
    assert match
    assert len(Vocabulary(learn(text[:50], options(size=int(match[1]), **settings)))) == int(match[1])


@pytest.mark.parametrize("size", [3, 200, 261, 270])
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_too_small_a_size_says_what_it_must_hold(size: int, kind: str, text: list[str]) -> None:
    with pytest.raises(DataError) as error:
        learn(text, options(kind=kind, size=size, symbols=["<ph>"]))
    assert re.fullmatch(
        rf"vocabulary size {size} is too small: at least \d+, for 256 byte pieces \(byte_fallback\), 5 special pieces "
        "and the text's characters; raise the size or lower the coverage",
        str(error.value),
    )


@pytest.mark.parametrize("text", [[], [""], ["", " \t", "\u3000"]])
def test_no_text_is_refused(text: list[str]) -> None:
    with pytest.raises(DataError, match=r"^no text to learn a vocabulary from: every line is empty$"):
        learn(text, options())


def test_text_that_normalisation_removes_is_refused() -> None:
    with pytest.raises(DataError, match=r"^no text to learn a vocabulary from: nothing is left of it after normalis"):
        learn(["\u0001\u0002"], options())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "wordpiece"}, 'test: kind: found "wordpiece", wanted one of unigram, bpe, char'),
        ({"size": 0}, "test: size: found 0, wanted a number greater than 0"),
        ({"coverage": 1.5}, "test: coverage: found 1.5, wanted a number less than or equal to 1"),
        ({"normalization": "nfkc"}, "test: unknown key normalization; did you mean normalisation?"),
        ({"symbols": ["a b"]}, "test: symbols: found 'a b', wanted a symbol without spaces"),
        ({"symbols": [""]}, "test: symbols: found '', wanted a symbol without spaces"),
        ({"symbols": ["<x>", "<x>"]}, "test: symbols: <x> stands twice"),
        ({"symbols": ["</s>"]}, "test: symbols: </s> is in every vocabulary already"),
        ({"source_file": "s"}, "test: source_file and target_file go together: one of them is missing"),
        (
            {"file": "j", "source_file": "s", "target_file": "t"},
            "test: file is a joint vocabulary, source_file and target_file are a pair: give one or the other",
        ),
        (
            {"file": "j", "joint": False},
            "test: file is a joint vocabulary: wanted joint: true, or source_file and target_file",
        ),
    ],
)
def test_options_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError) as error:
        options(**settings)
    assert str(error.value) == message


def test_options_survive_being_written() -> None:
    for settings in ({}, {"kind": "bpe", "symbols": ["<x>"], "file": "a/b.model"}, {"size": "32k", "joint": False}):
        made = options(**settings)
        assert options(**made.document()) == options(**made.minimal()) == made
    assert options().minimal() == {}
