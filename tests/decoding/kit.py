"""Models small enough to be searched by hand, and the slow searches they are compared with."""

import itertools
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.living import Living
from nmtk.decoding.rules import Rule
from nmtk.decoding.search import search
from nmtk.decoding.specials import Specials
from nmtk.decoding.strategies import Beam, Chooser, DiverseBeam

BOS, EOS, WORDS = 0, 1, (2, 3, 4)
SPECIALS = Specials(BOS, EOS, never=(BOS,))


class Rows:
    """The cache of a TableModel: of each row, its source and all tokens so far."""

    def __init__(self, source_R: Tensor, width: int) -> None:
        self.source_R, self.width = source_R, width
        self.token_RT = torch.zeros(len(source_R), 1, dtype=torch.int64)

    def reorder(self, rows_R: Tensor) -> None:
        assert torch.equal(rows_R // self.width, torch.arange(len(rows_R)) // self.width), "a row left its sentence"
        self.token_RT = self.token_RT[rows_R]

    def keep(self, sentences: Tensor) -> None:
        rows_R = (sentences[:, None] * self.width + torch.arange(self.width)).flatten()
        self.source_R, self.token_RT = self.source_R[rows_R], self.token_RT[rows_R]


class Asked:
    """A model as the slow searches ask it: without a cache, a batch or tensors."""

    def next(self, source: int, history: Sequence[int]) -> list[float]:
        """Log-probabilities of the token after this history."""
        raise NotImplementedError

    def logps(self, source: int, ids: Sequence[int]) -> list[float]:
        """The log-probability of each token of a whole sentence, and of its end."""
        return [self.next(source, ids[:at])[token] for at, token in enumerate([*ids, EOS])]


class TableModel(Asked):
    """The next token depends on the source's first, on the step and on the two tokens before, by a table of logits."""

    def __init__(self, seed: int, size: int = 5, sources: int = 8, longest: int = 12, spread: float = 2.0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.logits = torch.randn(sources, longest + 1, size, size, size, generator=generator) * spread
        self.rows: list[int] = []
        """Rows of each step."""

    def encode(self, source_BS: Tensor, keep_BS: Tensor | None) -> Tensor:
        return source_BS[:, 0]

    def start(self, memory_BSD: Tensor, keep_BS: Tensor | None, width: int, longest: int, apart: bool = False) -> Rows:
        self.rows = []
        return Rows(memory_BSD.repeat_interleave(width), width)

    def step(self, token_R: Tensor, cache: Rows) -> Tensor:
        self.rows.append(len(token_R))
        cache.token_RT = torch.cat([cache.token_RT, token_R[:, None]], 1)
        step = cache.token_RT.shape[1] - 2
        return self.logits[cache.source_R, step, cache.token_RT[:, -2], cache.token_RT[:, -1]].log_softmax(-1)

    def next(self, source: int, history: Sequence[int]) -> list[float]:
        before = [0, BOS, *history]
        found: list[float] = self.table[source][len(history)][before[-2]][before[-1]]
        return found

    @cached_property
    def table(self) -> Any:
        return self.logits.log_softmax(-1).tolist()


def run(
    model: Any,
    strategy: Chooser,
    sources: Sequence[int],
    limits: Sequence[int],
    best: int = 1,
    keys: Sequence[int] | None = None,
    rules: Sequence[Rule] = (),
) -> Any:
    """Search in a TableModel."""
    source_BS = torch.tensor(sources)[:, None]
    return search(model, source_BS, None, limits, strategy, SPECIALS, best, rules, keys)


class Begun:
    """The plainest rule: translations begin with these tokens."""

    def __init__(self, prefixes: Sequence[Sequence[int]]) -> None:
        self.prefixes = prefixes

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        for row, place in enumerate(living.sentence_B.tolist()):
            if living.step <= len(self.prefixes[place]):
                token = self.prefixes[place][living.step - 1]
                kept_W = next_BWV[row, :, token].clone()
                next_BWV[row] = -torch.inf
                next_BWV[row, :, token] = kept_W


def by_hand(model: Asked, source: int, ids: Sequence[int], beam: Chooser) -> Hypothesis:
    parts = model.logps(source, ids)
    return Hypothesis(list(ids), sum(parts) / beam.penalty.divisor(len(parts)), sum(parts), parts)


def all_sentences(model: Asked, source: int, limit: int, beam: Beam) -> list[Hypothesis]:
    """Every sentence of at most `limit` tokens, the best first."""
    every = [ids for length in range(limit) for ids in itertools.product(WORDS, repeat=length)]
    return sorted((by_hand(model, source, ids, beam) for ids in every), key=lambda one: -one.score)


def slow_beam(model: Asked, source: int, limit: int, beam: Beam) -> list[Hypothesis]:
    """Beam search as it is told, without a cache, a batch, tensors or any proof that it may stop."""
    live: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[list[int]] = []
    for step in range(1, limit + 1):
        words = (EOS,) if step == limit else (EOS, *WORDS)
        grown = [(logp + model.next(source, ids)[word], [*ids, word]) for logp, ids in live for word in words]
        ranked = sorted(grown, key=lambda one: -one[0])[: 2 * beam.width]
        finished += [ids[:-1] for _, ids in ranked[: beam.width] if ids[-1] == EOS]
        live = [(logp, ids) for logp, ids in ranked if ids[-1] != EOS][: beam.width]
        best = max((by_hand(model, source, ids, beam).score for ids in finished), default=-math.inf)
        better = beam.stop == "best" and any(logp / beam.penalty.divisor(step) > best for logp, _ in live)
        if beam.stop != "exact" and len(finished) >= beam.width and not better:
            break
    return sorted((by_hand(model, source, ids, beam) for ids in finished), key=lambda one: -one.score)


def slow_diverse_beam(model: Asked, source: int, limit: int, beam: DiverseBeam) -> list[Hypothesis]:
    """Diverse beam search as it is told: beams in turn, each told what those before it have just taken."""
    share = beam.width // beam.groups
    live: list[list[tuple[float, list[int]]]] = [[(0.0, [])] for _ in range(beam.groups)]
    finished: list[list[list[int]]] = [[] for _ in range(beam.groups)]
    for step in range(1, limit + 1):
        words = (EOS,) if step == limit else (EOS, *WORDS)
        lost = dict.fromkeys(words, 0.0)
        for group in range(beam.groups):
            grown = [(logp + model.next(source, ids)[w], [*ids, w]) for logp, ids in live[group] for w in words]
            marked = [(logp - lost[ids[-1]], logp, ids) for logp, ids in grown]
            ranked = [(logp, ids) for _, logp, ids in sorted(marked, reverse=True)[: 2 * share]]
            for _, ids in ranked[:share]:
                lost[ids[-1]] += beam.strength
            finished[group] += [ids[:-1] for _, ids in ranked[:share] if ids[-1] == EOS]
            live[group] = [(logp, ids) for logp, ids in ranked if ids[-1] != EOS][:share]
        best = max((by_hand(model, source, ids, beam).score for group in finished for ids in group), default=-math.inf)
        for group in range(beam.groups):
            better = beam.stop == "best" and any(logp / beam.penalty.divisor(step) > best for logp, _ in live[group])
            if beam.stop != "exact" and len(finished[group]) >= share and not better:
                live[group] = []
    every = [by_hand(model, source, ids, beam) for group in finished for ids in group]
    return sorted(every, key=lambda one: -one.score)


def same(found: Sequence[Hypothesis], wanted: Sequence[Hypothesis]) -> bool:
    """The same hypotheses in the same order, with scores equal to 1e-5."""

    def near(one: Sequence[float], other: Sequence[float]) -> bool:
        return len(one) == len(other) and all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(one, other, strict=True))

    return len(found) == len(wanted) and all(
        one.ids == other.ids
        and near([one.score, one.logp, *one.token_logps], [other.score, other.logp, *other.token_logps])
        for one, other in zip(found, wanted, strict=True)
    )
