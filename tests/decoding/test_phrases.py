"""What a line asks of its translation, as text: prefixes, required and forbidden phrases, all the way."""

import gzip
import itertools
from pathlib import Path
from typing import Any

import pytest

import nmtk
from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.phrases import Phrases
from nmtk.decoding.sentences import Request
from nmtk.decoding.strategies import Beam, Greedy, Strategy
from nmtk.decoding.system import System
from nmtk.decoding.translator import Translation, Translator
from nmtk.errors import DataError, OptionsError
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary
from tests.decoding.copying import sentences

LINES = sentences(12, 1001)
each_strategy = pytest.mark.parametrize("strategy", [Greedy(), Beam(width=4)], ids=str)


def best(bundle: Bundle, requests: list[Request], **options: Any) -> list[Translation]:
    return [one for one, *_ in Translator(bundle, DecodingOptions(**options)).candidates(requests)]


@each_strategy
@pytest.mark.parametrize(
    "prefix", ["An old", "An old d", "An old ", "Riv", "  The ﬁsh  ", "日本", "a a a a a a a a a a a a a a a a a"]
)
def test_a_translation_begins_with_its_prefix(bundle: Bundle, strategy: Strategy, prefix: str) -> None:
    """Be it in the middle of a word, or what a rule would forbid; and it goes on from there."""
    options = {"strategy": strategy, "no_repeat_ngram": 2, "repetition_penalty": 2.0}
    found = best(bundle, [Request(line, prefix) for line in LINES], **options)
    begins = Phrases(bundle.vocabularies.target, False).text(prefix)
    assert all(one.text.startswith(begins) for one in found)
    assert any(len(one.text) > len(begins) for one in found)


def test_of_a_prefix_the_last_word_may_be_spelled_in_any_pieces(bundle: Bundle) -> None:
    phrases, target = Phrases(bundle.vocabularies.target, False), bundle.vocabularies.target
    [whole] = target.encode(["an old dog"])
    assert phrases.prefix("an old dog ") == (tuple(whole), b"")
    assert phrases.prefix("an old dog") == (tuple(target.encode(["an old"])[0]), b" dog")
    assert phrases.prefix("dog") == ((), b" dog")
    assert phrases.prefix("") == ((), b"")
    pieces = target.pieces(phrases.spelling.agreeing_with(b" tr"))
    assert {"▁tree", "▁"} <= {*pieces}
    assert all(piece.startswith("▁tr") or "▁tr".startswith(piece) for piece in pieces)


def test_the_model_completes_a_word_that_is_begun_with_its_own_pieces(bundle: Bundle) -> None:
    """It has learned to copy, so it finds the source's word; `rive` by itself is cut as no word ever was."""
    requests = [Request("The river sleeps.", "The rive"), Request("The tree sings.", "The t")]
    words = [one.text.split()[1] for one in best(bundle, requests)]
    assert [word.strip(".") for word in words] == ["river", "tree"]


@each_strategy
def test_forbidden_text_stands_in_no_translation(bundle: Bundle, strategy: Strategy) -> None:
    plain = best(bundle, list(map(Request, LINES)), strategy=strategy)
    for size, length in itertools.product((1, 2), (3, 5)):
        phrases = [" ".join(one.text.split()[1 : 1 + size])[:length].strip() or "zz" for one in plain]
        found = best(bundle, [Request(line, "", (), (phrase,)) for line, phrase in zip(LINES, phrases, strict=True)])
        assert not any(phrase in one.text for one, phrase in zip(found, phrases, strict=True))
        assert sum(phrase in one.text for one, phrase in zip(plain, phrases, strict=True)) > 8
    everywhere = tuple(phrases)
    found = best(bundle, [Request(line, "", (), everywhere) for line in LINES], strategy=strategy)
    assert not any(phrase in one.text for one in found for phrase in everywhere)


def test_required_phrases_stand_in_the_translation_and_others_are_left_alone(bundle: Bundle) -> None:
    asked = [("Xylophone",), ("near the bird", "日本"), (), ("tree", "sleeps, sleeps")] * 3
    plain = best(bundle, list(map(Request, LINES)))
    found = best(bundle, [Request(line, "", phrases) for line, phrases in zip(LINES, asked, strict=True)])
    for one, other, phrases in zip(found, plain, asked, strict=True):
        assert all(phrase in one.text for phrase in phrases)
        assert not one.unmet
        assert phrases or one.ids == other.ids


def test_what_is_not_met_is_told(bundle: Bundle) -> None:
    [found, empty] = best(bundle, [Request(LINES[0], "", ("dog " * 9,)), Request("", "", ("dog",))], longest=5)
    assert found.unmet
    assert found.cut
    assert empty.unmet
    assert empty.text == ""


def test_of_a_line_in_parts_the_first_has_the_prefix_and_the_fitting_one_the_phrase(bundle: Bundle) -> None:
    vocabulary = bundle.vocabularies.source
    longest = max(map(len, vocabulary.encode(LINES[:4])))
    word = next(word for word in LINES[2].split() if not any(word in LINES[place] for place in (0, 1, 3)))
    request = Request(" ".join(LINES[:4]), "Old", (word, "Xylo"), ("sings",))
    translator = Translator(bundle, DecodingOptions(longest_input=longest))
    [pieces] = vocabulary.encode([request.text])
    parts = translator._parts(7, request, pieces)
    assert [bool(part.begun) for part in parts] == [True, False, False, False]
    place = max(range(4), key=lambda at: len(parts[at].pieces))
    assert [len(part.required) for part in parts] == [(at == 2) + (at == place) for at in range(4)]
    assert all(part.forbidden == (b"sings",) for part in parts)
    [found] = next(translator.candidates([request]))
    assert found.text.startswith("Old")
    assert not found.unmet
    assert "sings" not in found.text


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("a", "", (" ",)), "a required phrase is empty: wanted text, or none"),
        (Request("a", "", (), ("",)), "a forbidden phrase is empty: wanted text, or none"),
        (Request("a", "an old dog", (), ("old",)), "the prefix 'an old dog' holds the forbidden phrase 'old'"),
        (Request("a", "", ("old",), ("ld",)), "the required phrase 'old' holds the forbidden phrase 'ld'"),
        (Request("a", "dog " * 20), r"the prefix takes \d+ pieces: wanted at most 9"),
    ],
)
def test_what_no_translation_can_hold_is_an_error_with_its_line(
    bundle: Bundle, request_: Request, message: str
) -> None:
    with pytest.raises(DataError, match=f"^line 3: {message}"):
        best(bundle, [Request("a"), Request("b"), request_], longest=10)


def test_characters_that_the_vocabulary_cannot_spell_are_an_error(bundle: Bundle) -> None:
    spare = Vocabulary(learn(sentences(50, 0), VocabularyOptions(size=60, byte_fallback=False)))
    phrases = Phrases(spare, unknown=False)
    for ask, what in ((phrases.prefix, "prefix"), (phrases.required, "required phrase")):
        with pytest.raises(DataError, match=f"^the {what} 'dog 猫' holds characters that the target vocabulary cannot"):
            ask("dog 猫")
    assert Phrases(spare, unknown=True).prefix("dog 猫")[0]
    assert phrases.forbidden("猫") == "猫".encode()


def test_a_phrase_begins_a_word_where_words_have_spaces(bundle: Bundle) -> None:
    phrases, target = Phrases(bundle.vocabularies.target, False), bundle.vocabularies.target
    for text, ways in (("dog", 1), ("日本", 2), (",", 2), ("42", 1), ("ж", 1)):
        spellings = phrases.required(text)
        assert len(spellings) == ways
        assert {*target.decode(spellings)} == {text}
        context = target.encode(["a"])[0]
        assert {f"a {text}", f"a{text}"} >= {*target.decode([[*context, *ids] for ids in spellings])}


def test_rules_from_the_options_reach_the_search(bundle: Bundle) -> None:
    requests = list(map(Request, LINES))
    for one in best(bundle, requests, no_repeat_ngram=2):
        grams = [*itertools.pairwise(one.ids)]
        assert len(set(grams)) == len(grams)
    plain, shy = (best(bundle, requests, repetition_penalty=penalty) for penalty in (1.0, 50.0))
    assert sum(len(set(one.ids)) / len(one.ids) for one in shy) > sum(len(set(one.ids)) / len(one.ids) for one in plain)
    assert all(len(one.ids) >= 25 for one in best(bundle, requests, min_length=25))
    sources = bundle.vocabularies.source.encode(LINES)
    for one, pieces in zip(best(bundle, requests, min_ratio=1.5), sources, strict=True):
        assert len(one.ids) >= 1.5 * len(pieces)
    assert all(one.cut for one in best(bundle, requests, min_length=100, longest=9))


def test_the_guard_is_on_unless_told_otherwise(bundle: Bundle) -> None:
    requests = [Request("dog " * times) for times in (1, 30)] + [Request("a" * 40)]
    for strategy in (Greedy(), Beam()):
        on, off = (best(bundle, requests, strategy=strategy, **options) for options in ({}, {"loop_guard": False}))
        assert all(guarded.looped or guarded.ids == free.ids for guarded, free in zip(on, off, strict=True))


@each_strategy
def test_no_line_depends_on_what_others_ask(bundle: Bundle, strategy: Strategy) -> None:
    requests = [
        Request(line, prefix, required if isinstance(strategy, Beam) else (), forbidden)
        for line, (prefix, required, forbidden) in zip(
            LINES,
            itertools.cycle([("", (), ()), ("A d", ("tree",), ("ing",)), ("", ("cat",), ()), ("", (), ("a", "e"))]),
        )
    ]
    options = {"strategy": strategy, "no_repeat_ngram": 4, "min_length": 4}
    alone = [best(bundle, [request], **options)[0] for request in requests]
    for batch_tokens in (60, 4096):
        found = best(bundle, requests, batch_tokens=batch_tokens, **options)
        assert [one.ids for one in found] == [one.ids for one in alone]


def test_python_asks_with_keywords_or_requests(bundle: Bundle) -> None:
    system = System(bundle)
    assert system.translate(LINES[0], prefix="Old").startswith("Old")
    assert "Xylo" in system.translate(LINES[0], required="Xylo")
    assert all("o" not in text for text in system.translate(LINES[:3], forbidden=["o"]))
    asked = [nmtk.Request(LINES[0], prefix="Old"), LINES[1]]
    assert system.translate(asked) == [system.translate(LINES[0], prefix="Old"), system.translate(LINES[1])]
    assert system.translate(asked[0]) == system.translate(asked)[0]
    with pytest.raises(OptionsError, match=r"^a Request says itself what it asks for"):
        system.translate(asked, forbidden="x")
    asked = [nmtk.Request(LINES[0]), nmtk.Request(LINES[1], required=("dog",))]
    with pytest.raises(DataError, match=r"^line 2: required phrases need a beam .*: found greedy, wanted beam$"):
        system.translate(asked, Greedy())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unigram", "bpe", "char"])
def test_no_way_to_cut_real_text_gets_past_a_forbidden_phrase(bundle: Bundle, corpora: Path, kind: Any) -> None:
    """Real lines, cut at random: the rule forbids a piece exactly where the phrase would be complete."""
    import numpy as np
    import torch

    from nmtk.decoding.forbidden import Forbidden
    from nmtk.decoding.living import Living

    with gzip.open(corpora / "multi30k/test_2016_flickr.de.gz", "rt", encoding="utf-8") as file:
        lines = [line.strip() for line in itertools.islice(file, 150)]
    vocabulary = Vocabulary(learn(lines, VocabularyOptions(size=700 if kind != "char" else 340, kind=kind)))
    assert Vocabularies(vocabulary, vocabulary).joint
    phrases, rng = Phrases(vocabulary, False), np.random.default_rng(0)
    for line in lines:
        [text] = vocabulary.decode(vocabulary.encode([line]))
        start = int(rng.integers(0, max(1, len(text) - 12)))
        phrase = text[start : start + int(rng.integers(2, 12))].strip()
        banned = phrases.forbidden(phrase)
        rule = Forbidden([[banned]], phrases.spelling, torch.device("cpu"))
        for alpha in (0.1, 0.5):
            [ids] = vocabulary.sample([line], alpha, rng)
            for count, piece in enumerate(ids):
                row, scores = torch.tensor([[ids[:count]]], dtype=torch.int64), torch.zeros(1, 1, len(vocabulary))
                place = torch.zeros(1, dtype=torch.int64)
                rule.apply(Living(count + 1, place, place, place, row, torch.zeros(1, 1), torch.zeros(1, 1)), scores)
                [before, after] = vocabulary.decode([ids[:count], ids[: count + 1]])
                if text[start:].strip() and phrase not in before:
                    assert (phrase in after) == (scores[0, 0, piece] == -torch.inf), (phrase, after)
                elif phrase in after:
                    break
