import json
from typing import Any

import pytest

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.strategies import Beam
from nmtk.decoding.translator import Translation, Translator
from nmtk.translation.answers import OURS, Answer, Layout
from nmtk.translation.inputs import members
from tests.decoding.copying import sentences

LINES = [*sentences(3, 7), ""]


@pytest.fixture(scope="module")
def answers(bundle: Bundle) -> list[Answer]:
    found = Translator(bundle, DecodingOptions(strategy=Beam(width=3))).candidates(LINES, best=3)
    return [
        Answer(n, members({"text": line, "id": n}), one) for n, (line, one) in enumerate(zip(LINES, found, strict=True))
    ]


def written(bundle: Bundle, answer: Answer, **wanted: Any) -> str:
    return Layout(**wanted).writer(bundle.vocabularies.target)(answer)


def test_text_is_the_best_alone(bundle: Bundle, answers: list[Answer]) -> None:
    assert [written(bundle, answer) for answer in answers] == [answer.found[0].text for answer in answers]


def test_moses_n_best_can_be_read_back(bundle: Bundle, answers: list[Answer]) -> None:
    for answer in answers:
        lines = written(bundle, answer, format="nbest", nbest=3).split("\n")
        assert len(lines) == len(answer.found)
        for line, one in zip(lines, answer.found, strict=True):
            number, text, features, score = line.split(" ||| ")
            assert (int(number), text) == (answer.line, one.text)
            assert float(score) == pytest.approx(one.score, abs=1e-5)
            logp, tokens = features.replace("logp= ", "").split(" tokens= ")
            assert float(logp) == pytest.approx(one.logp, abs=1e-5)
            assert int(tokens) == len(one.token_logps)


def test_bars_in_a_translation_part_nothing(bundle: Bundle) -> None:
    answer = Answer(4, {}, [Translation("a ||| b | c", -1.0, -1.25, [], [-1.25], parts=1, cut=False)])
    assert written(bundle, answer, format="nbest") == (
        "4 ||| a &#124;&#124;&#124; b | c ||| logp= -1.25 tokens= 1 ||| -1.0"
    )
    aligned = answer._replace(alignment=[(0, 0), (1, 2)])
    assert written(bundle, aligned, alignments=True) == "a &#124;&#124;&#124; b | c ||| 0-0 1-2"
    assert written(bundle, answer) == "a ||| b | c"


def test_an_empty_line_stays_empty_with_an_alignment_too(bundle: Bundle, answers: list[Answer]) -> None:
    empty = answers[-1]._replace(alignment=[])
    assert written(bundle, empty, alignments=True) == ""


def test_json_holds_what_was_given_and_what_is_known(bundle: Bundle, answers: list[Answer]) -> None:
    for answer in answers:
        text = written(bundle, answer, format="jsonl")
        assert "\n" not in text
        found, best = json.loads(text), answer.found[0]
        assert (found["text"], found["id"]) == (LINES[answer.line], answer.line)
        assert found["translation"] == best.text
        assert [token for token in found["tokens"] if token != "</s>"] == bundle.vocabularies.target.pieces(best.ids)
        assert len(found["tokens"]) == len(found["token_logps"])
        assert found["token_logps"] == pytest.approx(best.token_logps, abs=1e-5)
        assert (found["parts"], found["cut"], found["looped"]) == (best.parts, best.cut, best.looped)
        assert (found["unmet"], found["breached"]) == (False, False)
        assert found.keys().isdisjoint({"candidates", "alignment"})


def test_json_holds_the_candidates_and_the_alignment_that_were_asked_for(bundle: Bundle, answers: list[Answer]) -> None:
    answer = answers[0]._replace(alignment=[(0, 0), (1, 2)])
    found = json.loads(written(bundle, answer, format="jsonl", nbest=3, alignments=True))
    assert found["alignment"] == "0-0 1-2"
    assert written(bundle, answer, alignments=True) == f"{answer.found[0].text} ||| 0-0 1-2"
    assert [one["translation"] for one in found["candidates"]] == [one.text for one in answer.found]
    assert found["candidates"][0]["score"] == found["score"]


def test_json_is_utf_8_and_its_numbers_are_short(bundle: Bundle) -> None:
    answer = Answer(
        0, members({"text": "Äpfel 日本"}), [Translation("Öl", -1 / 3, -1e-9, [], [-1e-9], parts=1, cut=True)]
    )
    text = written(bundle, answer, format="jsonl")
    assert "Äpfel 日本" in text
    assert "-0.33333," in text
    assert "-0.0," not in text


def test_what_was_said_of_another_translation_is_dropped_and_all_else_stays_as_it_is_written(bundle: Bundle) -> None:
    """All that was asked for of one model is there; another, of which less is asked, says nothing in its place."""
    given = {"text": '"text":"a"', "n": '"n" : 1e999'}
    old = [Translation("old", 0.0, 0.0, [], [0.0], parts=1, cut=False)]
    first = written(bundle, Answer(0, given, old, [(0, 0)]), format="jsonl", nbest=1)
    assert first.startswith('{"text":"a", "n" : 1e999, "translation": "old"')
    assert json.loads(first).keys() - given.keys() == OURS
    both = given | members({key: json.loads(first)[key] for key in OURS})
    new = [old[0]._replace(text="new")]
    second = written(bundle, Answer(0, both, new), format="jsonl")
    assert second == written(bundle, Answer(0, given, new), format="jsonl")
    assert json.loads(second).keys().isdisjoint({"candidates", "alignment"})
