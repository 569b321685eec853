import math

import pytest
import torch

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.scoring import Scorer
from nmtk.decoding.strategies import Beam
from nmtk.decoding.translator import Translator
from nmtk.errors import DataError
from tests.decoding.copying import sentences

SOURCES, TARGETS = sentences(30, 1001), sentences(30, 1002)


def test_a_score_is_the_sum_over_the_models_own_probabilities(bundle: Bundle) -> None:
    one, other = bundle.vocabularies
    for source, target, found in zip(SOURCES, TARGETS, Scorer(bundle).score(SOURCES, TARGETS), strict=True):
        [x], [y] = one.encode([source]), other.encode([target])
        with torch.inference_mode():
            logits_BTV = bundle.model(torch.tensor([[*x, one.eos]]), None, torch.tensor([[other.bos, *y]]))
        logps = logits_BTV[0].log_softmax(-1)[range(len(y) + 1), [*y, other.eos]]
        assert found.token_logps == pytest.approx(logps.tolist(), abs=1e-4)
        assert found.logp == pytest.approx(math.fsum(found.token_logps), abs=1e-6)
        assert found.tokens == len(y) + 1
        assert found.ids == y


@pytest.mark.parametrize("batch_tokens", [1, 60, 10_000])
def test_a_score_depends_on_its_pair_alone(bundle: Bundle, batch_tokens: int) -> None:
    scorer = Scorer(bundle, batch_tokens)
    alone = [next(scorer.score([one], [other])).logp for one, other in zip(SOURCES, TARGETS, strict=True)]
    for buffer in (1, 7, 100):
        found = [score.logp for score in scorer.score(SOURCES, TARGETS, buffer)]
        assert found == pytest.approx(alone, abs=1e-4)


def test_what_search_finds_has_the_probability_that_search_says(bundle: Bundle) -> None:
    translator = Translator(bundle, DecodingOptions(strategy=Beam(width=4)))
    found = [best for best, *_ in translator.candidates(SOURCES)]
    scores = Scorer(bundle).score(SOURCES, [one.text for one in found])
    same = 0
    for one, score in zip(found, scores, strict=True):
        if score.ids == one.ids:  # the same text may also be cut into other pieces
            assert score.token_logps == pytest.approx(one.token_logps, abs=1e-4)
            same += 1
    assert same > 10


def test_an_empty_target_is_scored_for_its_end(bundle: Bundle) -> None:
    [score] = Scorer(bundle).score([SOURCES[0]], [""])
    assert score.ids == []
    assert score.tokens == 1
    assert score.logp < 0


def test_nothing_to_score_gives_nothing(bundle: Bundle) -> None:
    assert list(Scorer(bundle).score([], [])) == []


@pytest.mark.parametrize(("more", "fewer"), [("source", "target"), ("target", "source")])
def test_sides_of_different_length_are_refused(bundle: Bundle, more: str, fewer: str) -> None:
    sides = {more: SOURCES[:5], fewer: TARGETS[:3]}
    with pytest.raises(DataError, match=f"^the {fewer} side ends after line 3, the other goes on$"):
        list(Scorer(bundle).score(sides["source"], sides["target"], buffer=2))
