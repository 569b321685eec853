from typing import Any

import numpy as np
import pytest
import sacrebleu

from nmtk.bundle import Bundle
from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.mbr import Utility, decide, utilities
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.strategies import Mbr, Sampling
from nmtk.decoding.translator import Translator
from nmtk.errors import OptionsError
from tests.decoding.copying import sentences

LINES = sentences(12, 1001)
WORDS = ["the", "cat,", "dog's.", "«Öl»", "(slow)", "ran", "3.5", "x", "the", "漢字です。", "&amp;", "a-b"]
SENTENCE = {"chrf": sacrebleu.sentence_chrf, "bleu": sacrebleu.sentence_bleu}

each_metric = pytest.mark.parametrize("metric", ["chrf", "bleu"])


def texts(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    random = [" ".join(rng.choice(WORDS, rng.integers(1, 15))) for _ in range(count)]
    return ["", " ", "a", ".", "ab", "aaaaaaaa", "a a a a a", *random]


def by_sacrebleu(metric: str, candidate: str, reference: str) -> float:
    return float(SENTENCE[metric](candidate, [reference]).score)


@each_metric
@pytest.mark.parametrize("seed", range(2))
def test_utilities_are_sacrebleus(metric: Utility, seed: int) -> None:
    lines = texts(20, seed)
    wanted = [[by_sacrebleu(metric, one, other) for other in lines] for one in lines]
    assert np.abs(utilities(lines, metric) - np.array(wanted)).max() < 1e-9


@each_metric
def test_a_few_texts_or_nothing_at_all_to_compare(metric: Utility) -> None:
    assert utilities([""], metric).tolist() == [[0.0]]
    assert utilities(["one text of a few words"], metric).item() == pytest.approx(100.0)
    assert utilities(["", " "], metric).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@each_metric
def test_the_decision_is_the_one_by_definition(metric: Utility) -> None:
    """The mean over the other samples, each as often as it came, written down as it is said."""
    lines = texts(8, 3)
    drawn = [lines[place] for place in np.random.default_rng(0).integers(0, len(lines), 30)]
    hypotheses = [Hypothesis([number], -float(number), -float(number), [-1.0]) for number in range(30)]
    expected: dict[str, float] = {}
    for one, text in enumerate(drawn):
        others = [by_sacrebleu(metric, text, drawn[other]) for other in range(30) if other != one]
        expected.setdefault(text, float(np.mean(others)))
    found = decide(hypotheses, drawn, metric)
    assert [drawn[one.ids[0]] for one in found] == sorted(expected, key=lambda text: -expected[text])
    assert [one.score for one in found] == pytest.approx(sorted(expected.values(), reverse=True), abs=1e-6)
    assert all(one.ids[0] == drawn.index(drawn[one.ids[0]]) for one in found), "the first of those with the same text"


def make(bundle: Bundle, **options: Any) -> Translator:
    return Translator(bundle, DecodingOptions(strategy=Mbr(**options)))


@each_metric
def test_translations_are_the_samples_in_the_order_of_their_utility(bundle: Bundle, metric: Utility) -> None:
    settings: dict[str, Any] = {"samples": 12, "temperature": 0.7, "top_p": 0.95, "seed": 4}
    drawn = Translator(bundle, DecodingOptions(strategy=Sampling(**settings))).candidates(LINES, best=12)
    for samples, found in zip(drawn, make(bundle, metric=metric, **settings).candidates(LINES, best=12), strict=True):
        said = [one.text for one in samples]
        assert {one.text for one in found} == set(said)
        assert len({one.text for one in found}) == len(found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            others = said.copy()
            others.remove(one.text)
            assert one.score == pytest.approx(np.mean([by_sacrebleu(metric, one.text, o) for o in others]), abs=1e-6)
            assert one.logp == pytest.approx(sum(one.token_logps), abs=1e-4)


def test_the_parts_of_a_long_line_are_decided_one_by_one(bundle: Bundle) -> None:
    longest = max(map(len, bundle.vocabularies.source.encode(LINES[:3])))
    options = DecodingOptions(strategy=Mbr(samples=6, temperature=0.1), longest_input=longest)
    [found] = next(Translator(bundle, options).candidates([" ".join(LINES[:3])]))
    assert found.parts == 3
    assert 0 < found.score <= 300
    assert found.text.count(" ") > 2


def test_more_than_the_samples_are_refused(bundle: Bundle) -> None:
    with pytest.raises(OptionsError, match=r"^the 5 best of a beam of width 4"):
        next(make(bundle, samples=4).candidates(LINES[:1], best=5))
