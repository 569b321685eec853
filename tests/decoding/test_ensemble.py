import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import nmtk
from nmtk.bundle import Bundle, weights
from nmtk.decoding.ensemble import Committee, Ensemble, load_ensemble, load_models
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.scoring import Scorer
from nmtk.decoding.strategies import Beam, DiverseBeam, Greedy, Mbr, Sampling, Strategy
from nmtk.decoding.system import System
from nmtk.decoding.translator import Translator
from nmtk.errors import ModelError, OptionsError
from nmtk.model.linear import has_onednn
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary
from tests.decoding.copying import SMALL, sentences
from tests.decoding.kit import Asked, TableModel, run, same, slow_beam, slow_diverse_beam

LINES, OTHERS = sentences(12, 1001), sentences(12, 1002)


class Mean(Asked):
    """The mean of several models' probabilities, a token at a time."""

    def __init__(self, models: Sequence[Asked], weights: Sequence[float]) -> None:
        self.models, self.weights = models, weights

    def next(self, source: int, history: Sequence[int]) -> list[float]:
        logps = zip(*(model.next(source, history) for model in self.models), strict=True)
        return [math.log(math.fsum(w * math.exp(p) for w, p in zip(self.weights, ps, strict=True))) for ps in logps]


def other_bundle(bundle: Bundle, **options: Any) -> Bundle:
    """Another model with the same vocabularies, without training."""
    torch.manual_seed(5)
    size = len(bundle.vocabularies.target)
    return bundle._replace(model=Transformer(TransformerOptions.parse(SMALL | options, "x"), size, size).eval())


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [6.0, 3.0, 1.0]])
@pytest.mark.parametrize("seed", range(2))
def test_it_searches_the_mean_of_probabilities(weights: list[float], seed: int) -> None:
    models: list[Any] = [TableModel(10 * seed + number, spread=1.0) for number in range(3)]
    ensemble, mean = Ensemble(models, weights), Mean(models, [weight / sum(weights) for weight in weights])
    sources, limits = [0, 1, 2, 3, 4, 5], [9, 3, 9, 7, 1, 8]
    beam, diverse = Beam(width=3), DiverseBeam(width=4, groups=2)
    beams = run(ensemble, beam, sources, limits, 3)
    groups = run(ensemble, diverse, sources, limits, 4)
    samples = run(ensemble, Sampling(samples=3), sources, limits, 3)
    for place, (source, limit) in enumerate(zip(sources, limits, strict=True)):
        assert same(beams[place], slow_beam(mean, source, limit, beam)[:3])
        assert same(groups[place], slow_diverse_beam(mean, source, limit, diverse)[:4])
        for one in samples[place]:
            assert one.token_logps == pytest.approx(mean.logps(source, one.ids), abs=1e-5)


@pytest.mark.parametrize("strategy", [Greedy(), Beam(width=3), Sampling(samples=2), Mbr(samples=4)], ids=str)
def test_a_model_with_itself_is_that_model(folder: Path, strategy: Strategy) -> None:
    alone = nmtk.load(folder, "cpu", "float32")
    twice = nmtk.load([folder, str(folder)], "cpu", "float32", weights=[1.0, 2.5])
    options = DecodingOptions(strategy=strategy)
    pairs = zip(*(Translator(system.bundle, options).candidates(LINES) for system in (alone, twice)), strict=True)
    for [one], [other] in pairs:
        assert one.text == other.text
        assert one.token_logps == pytest.approx(other.token_logps, abs=1e-4)
        assert one.score == pytest.approx(other.score, abs=1e-3)
    for one, other in zip(alone.score(LINES, OTHERS), twice.score(LINES, OTHERS), strict=True):
        assert one.token_logps == pytest.approx(other.token_logps, abs=1e-4)


def test_it_scores_by_the_mean_of_probabilities(bundle: Bundle) -> None:
    """Models of different width, too."""
    other = other_bundle(bundle, width=16, heads=2)
    committee = Committee(Ensemble([bundle.model, other.model], [3.0, 1.0]), bundle.vocabularies, {}, {})
    parts = [Scorer(one).score(LINES, OTHERS) for one in (bundle, other)]
    for found, *scores in zip(Scorer(committee).score(LINES, OTHERS), *parts, strict=True):
        one, two = (torch.tensor(score.token_logps).exp() for score in scores)
        assert found.token_logps == pytest.approx((0.75 * one + 0.25 * two).log().tolist(), abs=1e-4)


def test_what_it_finds_has_the_probability_that_it_says(bundle: Bundle) -> None:
    other = other_bundle(bundle, positions="rotary", decoder_layers=1)
    committee = Committee(Ensemble([bundle.model, other.model]), bundle.vocabularies, {}, {})
    translations = [best for best, *_ in Translator(committee, DecodingOptions()).candidates(LINES)]
    equal = 0
    for one, score in zip(translations, Scorer(committee).score(LINES, [t.text for t in translations]), strict=True):
        if score.ids == one.ids:  # the same text may also be cut into other pieces
            assert score.token_logps == pytest.approx(one.token_logps, abs=1e-4)
            equal += 1
    assert equal > 5
    assert [one.text for one in translations] != System(bundle).translate(LINES), "the other has a say"


def test_the_shortest_longest_is_the_longest(bundle: Bundle) -> None:
    models = [other_bundle(bundle, positions={"kind": "learned", "maximum": maximum}).model for maximum in (40, 30)]
    assert Ensemble([bundle.model, *models]).longest == 30
    assert Ensemble([bundle.model]).longest is None


@pytest.fixture(scope="module")
def strange(bundle: Bundle) -> Vocabulary:
    """As many pieces, but others."""
    return Vocabulary(learn(sentences(400, 7), VocabularyOptions(size=len(bundle.vocabularies.source))))


@pytest.mark.parametrize("side", ["source", "target"])
def test_models_of_other_vocabularies_are_refused_by_name(
    bundle: Bundle, strange: Vocabulary, tmp_path: Path, side: str
) -> None:
    vocabularies = Vocabularies(**(bundle.vocabularies._asdict() | {side: strange}))
    paths = [tmp_path / "one", tmp_path / "other"]
    for path, own in zip(paths, (bundle.vocabularies, vocabularies), strict=True):
        bundle._replace(vocabularies=own).save(path)
    with pytest.raises(ModelError) as error:
        nmtk.load(paths, "cpu")
    assert str(error.value) == (
        f"{paths[1]}: its {side} vocabulary is not that of {paths[0]}: "
        "wanted models that were trained with the same vocabularies"
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"^weights: found 1 for 2 models, wanted one for each$"),
        ([1.0, 0.0], r"^weights: found 1, 0, wanted numbers greater than 0$"),
        ([math.inf, 1.0], r"^weights: found inf, 1, wanted numbers greater than 0$"),
    ],
)
def test_weights_that_do_not_fit_are_refused(folder: Path, weights: list[float], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        nmtk.load([folder, folder], "cpu", weights=weights)


def test_no_models_are_no_ensemble() -> None:
    with pytest.raises(OptionsError, match=r"^an ensemble of no models: wanted one model folder or more$"):
        load_ensemble([])


@pytest.mark.skipif(not has_onednn(torch.device("cpu"), torch.float32), reason="no oneDNN for x86 here")
def test_only_what_is_asked_to_be_packed_is(folder: Path) -> None:
    plain = Bundle.load(folder)
    again = load_models([folder], packed=False).model
    assert isinstance(again, Transformer)
    assert weights(plain.model).keys() == weights(again).keys()
    for packed in (Bundle.load(folder, packed=True).model, load_models([folder]).model):
        assert isinstance(packed, Transformer)
        assert packed.own_output is not None
        assert weights(packed).keys() < weights(plain.model).keys()
