"""What each strategy promises beyond what all share, which is in test_search.py."""

import itertools
import math
from collections import Counter

import pytest
import torch
from pydantic import ValidationError

from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.strategies import Beam, DiverseBeam, Greedy, Mbr, Sampling
from nmtk.errors import OptionsError
from tests.decoding.kit import EOS, WORDS, TableModel, run, same, slow_diverse_beam

SEEDS = range(3)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@each_seed
@pytest.mark.parametrize("samples", [1, 3])
def test_samples_are_distributed_as_the_model_says(seed: int, samples: int) -> None:
    """Whole sentences of at most three tokens, against their exact probabilities among those that search may say."""
    model, count = TableModel(seed, spread=1.0), 6000 // samples
    found = run(model, Sampling(samples=samples), [3] * count, [4] * count, samples)
    drawn = Counter(tuple(one.ids) for hypotheses in found for one in hypotheses)
    assert drawn.total() == 6000
    chi_square = 0.0
    sentences = [ids for length in range(4) for ids in itertools.product(WORDS, repeat=length)]
    for ids in sentences:
        wanted = 6000.0
        for at, token in enumerate([*ids, EOS][:3]):  # at the fourth only the end is allowed
            logps = model.next(3, ids[:at])
            wanted *= math.exp(logps[token]) / math.fsum(math.exp(logps[one]) for one in (EOS, *WORDS))
        chi_square += (drawn[ids] - wanted) ** 2 / wanted
    degrees = len(sentences) - 1
    assert set(drawn) <= set(sentences)
    assert chi_square < degrees + 4 * math.sqrt(2 * degrees)


@each_seed
def test_samples_are_scored_by_the_models_true_probabilities(seed: int) -> None:
    model = TableModel(seed)
    strategy = Sampling(samples=5, temperature=1.7, top_k=3, top_p=0.9)
    for source, hypotheses in enumerate(run(model, strategy, [0, 1, 2], [12, 5, 2], 5)):
        assert len(hypotheses) == 5
        for one in hypotheses:
            assert one.token_logps == pytest.approx(model.logps(source, one.ids), abs=1e-5)
            assert one.score == pytest.approx(math.fsum(one.token_logps), abs=1e-5)
        assert [one.logp for one in hypotheses] == sorted((one.logp for one in hypotheses), reverse=True)


def test_the_same_key_draws_the_same_and_another_something_else() -> None:
    model = TableModel(0, spread=0.5)
    first = run(model, Sampling(samples=4), [3, 3, 3], [12, 12, 12], 4, keys=[5, 6, 5])
    again = run(model, Sampling(samples=4), [3], [12], 4, keys=[5])
    other = run(model, Sampling(samples=4, seed=2), [3], [12], 4, keys=[5])
    assert same(first[0], first[2])
    assert same(first[0], again[0])
    assert not same(first[0], first[1])
    assert not same(first[0], other[0])


@each_seed
def test_cold_samples_and_samples_of_the_one_best_token_are_greedy(seed: int) -> None:
    model = TableModel(seed)
    sources, limits = list(range(8)), [12] * 8
    greedy = [[one] * 3 for [one] in run(model, Greedy(), sources, limits)]
    for cold in (Sampling(samples=3, temperature=1e-6), Sampling(samples=3, top_k=1), Sampling(samples=3, top_p=1e-6)):
        assert all(map(same, run(model, cold, sources, limits, 3), greedy))


def test_a_sample_that_has_ended_stays_as_it_is() -> None:
    """Each row ends once, though others of its sentence go on, and no row takes the place of one that ended."""
    model = TableModel(4, spread=0.5)
    model.logits[..., EOS] += 1.0
    every = run(model, Sampling(samples=8), [2] * 50, [12] * 50, 8)
    assert all(len(hypotheses) == 8 for hypotheses in every)
    lengths = [len(one.ids) for hypotheses in every for one in hypotheses]
    assert min(lengths) == 0
    assert max(lengths) > 5
    for few, all_of_them in zip(run(model, Sampling(samples=8), [2] * 50, [12] * 50, 2), every, strict=True):
        assert same(few, all_of_them[:2]), "those that are not drawn to their end are not missed"


@each_seed
@pytest.mark.parametrize("stop", ["full", "best", "exact"])
@pytest.mark.parametrize(("width", "groups"), [(1, 1), (2, 2), (4, 2), (6, 3), (3, 3), (4, 1)])
@pytest.mark.parametrize("strength", [0.0, 0.3, 3.0])
def test_diverse_beams_are_the_slow_ones(seed: int, stop: str, width: int, groups: int, strength: float) -> None:
    model = TableModel(seed, spread=1.0)
    sources, limits = [0, 1, 2, 3, 4, 5, 6, 7], [12, 3, 9, 7, 12, 1, 11, 12]
    beam = DiverseBeam.parse({"width": width, "groups": groups, "strength": strength, "stop": stop}, "test")
    for best in {1, width}:
        for source, limit, found in zip(sources, limits, run(model, beam, sources, limits, best), strict=True):
            assert same(found, slow_diverse_beam(model, source, limit, beam)[:best])


@each_seed
@pytest.mark.parametrize("width", [1, 4])
def test_one_diverse_group_is_a_beam(seed: int, width: int) -> None:
    model = TableModel(seed, spread=1.0)
    sources, limits = list(range(8)), [12] * 8
    diverse = run(model, DiverseBeam(width=width, groups=1, strength=9.0), sources, limits, width)
    assert diverse == run(model, Beam(width=width), sources, limits, width)


def test_groups_without_diversity_find_the_same_and_with_it_something_else() -> None:
    model = TableModel(1, spread=0.5)
    beam = {"width": 4, "groups": 4}

    def different(strength: float) -> int:
        [found] = run(model, DiverseBeam(strength=strength, **beam), [2], [8], 4)
        return len({tuple(one.ids) for one in found})

    assert different(0.0) == 1
    assert different(5.0) == 4


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (
            {"kind": "diverse-beam", "width": 5, "groups": 2},
            "x: strategy: found width 5 in 2 groups, wanted a multiple of 2",
        ),
        (
            {"kind": "sampling", "temperature": 0.0},
            "x: strategy.temperature: found 0.0, wanted a number greater than",
        ),
        ({"kind": "sampling", "top_p": 1.5}, "x: strategy.top_p: found 1.5, wanted a number less than or equal to 1"),
        ({"kind": "mbr", "samples": 1}, "x: strategy.samples: found 1, wanted a number greater than or equal to 2"),
        ({"kind": "mbr", "metric": "ter"}, 'x: strategy.metric: found "ter", wanted one of chrf, bleu'),
        (
            {"kind": "smpling"},
            'x: strategy: found "smpling", wanted one of greedy, beam, diverse-beam, sampling, mbr',
        ),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(strategy: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError) as error:
        DecodingOptions.parse({"strategy": strategy}, "x")
    assert str(error.value).startswith(message)


def test_a_width_that_groups_do_not_divide_is_refused_in_python_too() -> None:
    with pytest.raises(ValidationError, match="found width 5 in 2 groups, wanted a multiple of 2"):
        DiverseBeam(width=5, groups=2)


@pytest.mark.parametrize(
    "strategy", [Sampling(samples=3, top_k=4), Mbr(samples=8, metric="bleu"), DiverseBeam()], ids=str
)
def test_a_strategy_is_kept_as_a_document(strategy: Sampling | Mbr | DiverseBeam) -> None:
    options = DecodingOptions(strategy=strategy)
    assert DecodingOptions.parse(options.minimal(), "x") == options
    assert DecodingOptions.parse(options.document(), "x") == options


def test_log_probabilities_of_low_precision_are_still_sums_in_full() -> None:
    """Scores in bfloat16, as on a GPU: what is added up is float32."""
    model = TableModel(0)
    model.logits = model.logits.to(torch.bfloat16)
    for strategy in (Sampling(samples=2), DiverseBeam(width=4, groups=2)):
        [found] = run(model, strategy, [1], [12], 2)
        assert all(one.logp == pytest.approx(math.fsum(model.logps(1, one.ids)), abs=0.05) for one in found)
