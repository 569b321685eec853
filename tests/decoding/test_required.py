"""Required phrases: all are met, by the best sentence that meets them, and nobody else is the wiser."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from nmtk.decoding.required import Requirement, Spellings, requiring
from nmtk.decoding.rules import Rule
from nmtk.decoding.search import search
from nmtk.decoding.strategies import Beam, Greedy
from nmtk.errors import OptionsError
from tests.decoding.kit import EOS, SPECIALS, TableModel, all_sentences, run, same

A, B, C = 2, 3, 4
CASES: list[Sequence[Spellings]] = [
    [[(A,)]],
    [[(A, B)]],
    [[(A, A, B)]],
    [[(A, B)], [(C,)]],
    [[(A, B)], [(B, C)]],
    [[(A, B, A)], [(B, A, C)]],
    [[(A, B), (C, C)]],
    [[(C, B, A), (A, A)], [(B,)]],
    [[(A, B)], [(A, B)]],
    [[(A,)], [(A, B)]],
]

each_case = pytest.mark.parametrize("phrases", CASES, ids=str)
each_seed = pytest.mark.parametrize("seed", range(3))


def requiring_run(
    model: Any,
    beam: Beam,
    required: Sequence[Sequence[Spellings]],
    limits: Sequence[int],
    best: int = 1,
    rules: Sequence[Rule] = (),
) -> Any:
    strategy = requiring(beam, required, EOS)
    source_BS = torch.arange(len(required))[:, None]
    return search(model, source_BS, None, limits, strategy, SPECIALS, best, rules)


def holds(ids: Sequence[int], phrase: Sequence[int]) -> bool:
    return any(tuple(ids[at : at + len(phrase)]) == tuple(phrase) for at in range(len(ids)))


def meets(ids: Sequence[int], phrases: Sequence[Spellings]) -> bool:
    return all(any(holds(ids, spelling) for spelling in phrase) for phrase in phrases)


def unwilling(seed: int) -> TableModel:
    """A model that ends soon, and seldom says A."""
    model = TableModel(seed, spread=1.0)
    model.logits[..., EOS] += 2
    model.logits[..., A] -= 4
    return model


@each_case
@each_seed
def test_a_beam_that_holds_everything_finds_the_best_sentence_that_meets_all(phrases: Any, seed: int) -> None:
    model, beam = TableModel(seed), Beam(width=3**5, stop="exact")
    [found] = requiring_run(model, beam, [phrases], [6], 3)
    wanted = [one for one in all_sentences(model, 0, 6, beam) if meets(one.ids, phrases)]
    assert same(found, wanted[:3])


@each_case
@each_seed
@pytest.mark.parametrize("width", [1, 2, 4, 10])
def test_all_phrases_are_met_by_any_beam_where_there_is_room(phrases: Any, seed: int, width: int) -> None:
    room = sum(min(map(len, phrase)) for phrase in phrases) + 1
    limits = [12, room, room + 1, 12]
    found = requiring_run(unwilling(seed), Beam(width=width), [phrases] * 4, limits, width)
    for limit, hypotheses in zip(limits, found, strict=True):
        assert all(meets(one.ids, phrases) for one in hypotheses)
        assert all(len(one.ids) < limit for one in hypotheses)


@each_seed
def test_probabilities_are_the_models_own(seed: int) -> None:
    model, phrases = unwilling(seed), [[(A, B)], [(C, A)]]
    for source, hypotheses in enumerate(requiring_run(model, Beam(width=5), [phrases] * 3, [12, 9, 6], 5)):
        for one in hypotheses:
            assert one.token_logps == pytest.approx(model.logps(source, one.ids), abs=1e-5)
        assert len({tuple(one.ids) for one in hypotheses}) == len(hypotheses)


@each_seed
@pytest.mark.parametrize("stop", ["full", "best", "exact"])
def test_sentences_that_require_nothing_go_their_way(seed: int, stop: Any) -> None:
    beam, limits = Beam(width=3, stop=stop), [12, 3, 9, 7, 12, 1, 11, 12]
    required: list[Any] = [[], [[(A,)]], [], [], [[(A, B)], [(C,)]], [], [], [[(B, B, B)]]]
    plain = run(unwilling(seed), beam, list(range(8)), limits, 3)
    found = requiring_run(unwilling(seed), beam, required, limits, 3)
    for asked, one, other in zip(required, plain, found, strict=True):
        assert asked or same(one, other)


@each_seed
def test_no_sentence_depends_on_what_others_require(seed: int) -> None:
    limits, model = [12, 3, 9, 7, 12, 8, 11, 12], unwilling(seed)
    required: list[Any] = [*CASES[:7], []]
    together = requiring_run(model, Beam(width=4), required, limits, 4)
    for source, (asked, hypotheses) in enumerate(zip(required, together, strict=True)):
        strategy = requiring(Beam(width=4), [asked], EOS)
        [alone] = search(model, torch.tensor([[source]]), None, limits[source : source + 1], strategy, SPECIALS, 4)
        assert same(hypotheses, alone)


class Without:
    """A rule against one token."""

    def __init__(self, token: int):
        self.token = token

    def apply(self, living: Any, next_BWV: Tensor) -> None:
        next_BWV[..., self.token] = -torch.inf


@pytest.mark.parametrize("width", [1, 4])
def test_what_cannot_be_met_gives_the_best_translation_that_has_most_of_it(width: int) -> None:
    phrases = [[(B, C)], [(A,)]]
    for seed in range(3):
        [hypotheses] = requiring_run(unwilling(seed), Beam(width=width), [phrases], [8], width, [Without(A)])
        assert hypotheses
        assert all(meets(one.ids, phrases[:1]) and len(one.ids) == 7 for one in hypotheses)
        [tight] = requiring_run(unwilling(seed), Beam(width=width), [phrases], [2])
        assert [len(one.ids) for one in tight] == [1]


@pytest.mark.parametrize("phrases", CASES, ids=str)
def test_the_automata_know_what_is_met_and_how_much_is_missing(phrases: Any) -> None:
    """Against plain search in every sequence of up to five tokens."""
    requirement = Requirement(phrases)
    least = {(): requirement.total}
    for ids in itertools.chain.from_iterable(itertools.product((A, B, C), repeat=size) for size in range(6)):
        state = requirement.start
        for token in ids:
            state = requirement.after(state, token)
        assert state.met == {n for n, phrase in enumerate(phrases) if any(holds(ids, one) for one in phrase)}
        assert (requirement.missing(state) == 0) == meets(ids, phrases)
        least[ids] = requirement.missing(state)
    for ids in least:
        if least[ids] and len(ids) < 5:
            assert min(least[(*ids, token)] for token in (A, B, C)) < least[ids], "a token more always gets nearer"


def test_required_phrases_need_a_beam() -> None:
    with pytest.raises(OptionsError, match=r"^required phrases need a beam .*: found greedy, wanted beam$"):
        requiring(Greedy(), [[], [[(A,)]]], EOS)
    assert requiring(Greedy(), [[], []], EOS) == Greedy()
    assert requiring(Beam(), [[]], EOS) == Beam()
