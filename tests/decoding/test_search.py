import math
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from nmtk.decoding.penalties import Average, Gnmt, NoPenalty, Penalty
from nmtk.decoding.search import search
from nmtk.decoding.specials import Specials
from nmtk.decoding.strategies import Beam, DiverseBeam, Greedy, Mbr, Sampling, Strategy
from nmtk.errors import ModelError, OptionsError
from tests.decoding.kit import BOS, EOS, WORDS, TableModel, all_sentences, run, same, slow_beam

PENALTIES = [Gnmt(), Gnmt(alpha=2.0), Average(), Average(alpha=0.5), NoPenalty()]
SEEDS = range(3)

each_penalty = pytest.mark.parametrize("penalty", PENALTIES, ids=str)
each_stop = pytest.mark.parametrize("stop", ["full", "best", "exact"])
each_seed = pytest.mark.parametrize("seed", SEEDS)
each_of_any_kind = pytest.mark.parametrize(
    "strategy", [Greedy(), Beam(width=4), DiverseBeam(width=4, groups=2), Sampling(samples=3), Mbr(samples=2)], ids=str
)


@each_penalty
@each_stop
@each_seed
def test_a_beam_that_holds_everything_finds_the_best_of_all_sentences(penalty: Penalty, stop: Any, seed: int) -> None:
    model = TableModel(seed)
    sources, limits = [0, 1, 2, 3, 4], [1, 2, 3, 4, 5]
    beam = Beam(width=3**5, penalty=penalty, stop=stop)  # wider than there are hypotheses of any length
    for best in (1, 4):
        found = run(model, beam, sources, limits, best)
        for source, limit, hypotheses in zip(sources, limits, found, strict=True):
            assert same(hypotheses, all_sentences(model, source, limit, beam)[:best])


@each_penalty
@each_stop
@each_seed
@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_search_is_the_slow_one_that_never_stops_early(penalty: Penalty, stop: Any, seed: int, width: int) -> None:
    """Cache, batch, tensors and the proof that nothing better can follow change no result."""
    model = TableModel(seed, spread=1.0)
    sources, limits = [0, 1, 2, 3, 4, 5, 6, 7], [12, 3, 9, 7, 12, 1, 11, 12]
    beam = Beam(width=width, penalty=penalty, stop=stop)
    for best in {1, width}:
        found = run(model, beam, sources, limits, best)
        for source, limit, hypotheses in zip(sources, limits, found, strict=True):
            assert same(hypotheses, slow_beam(model, source, limit, beam)[:best])


@each_penalty
@each_seed
def test_a_beam_of_width_one_is_greedy_search(penalty: Penalty, seed: int) -> None:
    model = TableModel(seed, spread=1.0)
    sources, limits = list(range(8)), [12] * 8
    beam = run(model, Beam(width=1, penalty=penalty), sources, limits)
    greedy = run(model, Greedy(), sources, limits)
    assert [[one.ids for one in found] for found in beam] == [[one.ids for one in found] for found in greedy]


@each_seed
def test_greedy_search_takes_the_best_token_at_every_step(seed: int) -> None:
    model = TableModel(seed)
    [[found]] = run(model, Greedy(), [3], [12])
    for at, token in enumerate([*found.ids, EOS][:11]):
        logps = model.next(3, found.ids[:at])
        assert logps[token] == max(logps[1:])


@pytest.mark.parametrize(
    "strategy",
    [
        Greedy(),
        Beam(width=2, penalty=Average()),
        Beam(width=3, stop="exact"),
        DiverseBeam(width=4, groups=2),
        DiverseBeam(width=3, groups=3, stop="exact"),
        Sampling(),
        Sampling(samples=3, top_p=0.9),
        Sampling(samples=4, top_k=3, temperature=2.0),
        Mbr(samples=5),
    ],
    ids=str,
)
@each_seed
def test_no_sentence_depends_on_the_others(strategy: Any, seed: int) -> None:
    model = TableModel(seed, spread=1.0)
    sources, limits = [5, 1, 7, 1, 0, 2, 3] * 4, [12, 4, 9, 12, 2, 6, 11, 12] * 3 + [8, 9, 10, 11]
    best, keys = strategy.width, [11 * place for place in range(len(sources))]
    together = run(model, strategy, sources, limits, best, keys)
    backwards = run(model, strategy, sources[::-1], limits[::-1], best, keys[::-1])[::-1]
    each = zip(sources, limits, keys, strict=True)
    alone = [run(model, strategy, [source], [limit], best, [key])[0] for source, limit, key in each]
    assert all(map(same, together, alone))
    assert all(map(same, together, backwards))


def test_a_sentence_that_is_done_stays_as_it_is_though_others_go_on() -> None:
    """Its beam is full after two steps; what follows would score better, but is no longer looked at."""
    model = TableModel(0, sources=12)
    model.logits[1:, :, :, :, EOS] = -50.0
    model.logits[0, :2] = torch.tensor([-50.0, 0.1, 0.0, -50.0, -50.0])
    model.logits[0, 2:4] = torch.tensor([-50.0, -50.0, 50.0, -50.0, -50.0])
    model.logits[0, 4:] = torch.tensor([-50.0, 50.0, -50.0, -50.0, -50.0])
    beam = Beam(width=2, penalty=Average())
    together = run(model, beam, list(range(12)), [12] * 12)
    assert [one.ids for one in together[0]] == [[]]
    assert same(together[0], slow_beam(model, 0, 12, beam)[:1])


@each_seed
def test_token_log_probabilities_are_the_models_own(seed: int) -> None:
    model = TableModel(seed)
    for source, hypotheses in enumerate(run(model, Beam(width=3), [0, 1, 2], [12, 5, 2], 3)):
        for one in hypotheses:
            assert one.token_logps == pytest.approx(model.logps(source, one.ids), abs=1e-5)
            assert one.logp == pytest.approx(math.fsum(one.token_logps), abs=1e-5)
            assert one.score == pytest.approx(one.logp / Gnmt().divisor(len(one.ids) + 1), abs=1e-5)


class Stubborn:
    """A model that would never end a sentence, but says one forbidden token for ever."""

    def __init__(self, say: int, size: int = 40) -> None:
        self.logits_V = torch.zeros(size).index_fill(0, torch.tensor([say]), 50.0)

    def encode(self, source_BS: Tensor, keep_BS: Tensor | None) -> Tensor:
        return source_BS

    def start(
        self, memory: Tensor, keep_BS: Tensor | None, width: int, longest: int, apart: bool = False
    ) -> "Stubborn":
        return self

    def step(self, token_R: Tensor, cache: Any) -> Tensor:
        return self.logits_V.log_softmax(-1).expand(len(token_R), -1).clone()

    def reorder(self, rows_R: Tensor) -> None: ...

    def keep(self, sentences: Tensor) -> None: ...


@each_of_any_kind
def test_every_sentence_ends_at_its_limit(strategy: Any) -> None:
    limits = [1, 7, 3]
    found = search(Stubborn(say=9), torch.zeros(3, 1), None, limits, strategy, Specials(BOS, EOS))
    assert [len(one.token_logps) for [one] in found] == limits
    assert all(one.ids == [9] * len(one.ids) for [one] in found)


@each_of_any_kind
def test_forbidden_tokens_never_stand_in_a_translation(strategy: Any) -> None:
    specials = Specials(bos=0, eos=1, never=(0, 2, 35))
    for say in specials.never:
        [hypotheses] = search(Stubborn(say), torch.zeros(1, 1), None, [9], strategy, specials, strategy.width)
        assert all(not set(specials.never) & set(one.ids) for one in hypotheses)


def test_the_end_is_allowed_though_it_pads_and_begins_too() -> None:
    """Vocabularies without <pad> and <s> use </s> for all three."""
    specials = Specials(bos=1, eos=1, never=(1, 1, 2))
    [[found]] = search(Stubborn(say=1), torch.zeros(1, 1), None, [9], Greedy(), specials)
    assert found.ids == []


def test_finished_sentences_leave_the_batch() -> None:
    model = TableModel(0)
    limits = [1, 2, 3, 4, 5, 6, 7, 12]
    run(model, Beam(width=3, stop="exact"), [0] * 8, limits)
    assert model.rows[0] == 24
    assert all(rows <= 3 * sum(limit >= step for limit in limits) for step, rows in enumerate(model.rows, 1))


def test_the_search_ends_when_all_sentences_have() -> None:
    model = TableModel(1)
    model.logits[..., EOS] = 50.0
    run(model, Greedy(), [0, 1, 2], [12, 12, 12])
    assert len(model.rows) == 1


def test_a_proof_ends_the_search_before_the_beam_is_full() -> None:
    """Nothing reaches the certain empty sentence, whatever its length."""
    model = TableModel(1)
    model.logits[..., EOS] = 50.0
    run(model, Beam(width=4, stop="exact"), [0], [12])
    assert len(model.rows) == 1


@pytest.mark.parametrize("width", [2, 3, 5])
def test_poor_hypotheses_that_end_first_do_not_end_the_search(width: int) -> None:
    """Of a model that is sure, what a beam holds beside the best is poor: sentences that end too soon."""
    model, sure = TableModel(0), WORDS[0]
    model.logits[:] = 0.0
    model.logits[..., EOS] = 1.0
    model.logits[:, :6, :, BOS, sure] = model.logits[:, :6, :, sure, sure] = 6.0
    model.logits[:, 6:, :, sure, EOS] = 6.0
    [[found]] = run(model, Beam(width=width), [0], [12])
    [[greedy]] = run(model, Greedy(), [0], [12])
    assert found.ids == greedy.ids == [sure] * 6


def test_more_hypotheses_than_the_beam_is_wide_are_refused() -> None:
    with pytest.raises(OptionsError, match=r"^the 5 best of a beam of width 4: wanted a width of 5 or more$"):
        run(TableModel(0), Beam(width=4), [0], [3], best=5)


@each_of_any_kind
def test_a_model_that_gives_no_numbers_is_refused(strategy: Any) -> None:
    model = TableModel(0)
    model.logits[2] = torch.nan
    with pytest.raises(ModelError, match="not finite"):
        run(model, strategy, [0, 2], [4, 4])


def test_every_kind_of_strategy_is_tested_here() -> None:
    kinds = {member.model_fields["kind"].default for member in get_args(get_args(Strategy)[0])}
    for marked in (test_no_sentence_depends_on_the_others, test_every_sentence_ends_at_its_limit):
        [tested] = [mark.args[1] for mark in marked.pytestmark if mark.args[0] == "strategy"]
        assert {strategy.kind for strategy in tested} == kinds
