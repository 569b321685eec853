"""Required phrases: beam search whose translations hold them (dynamic beam allocation, Post & Vilar 2018).

Left to itself, a beam drops a hypothesis with a required phrase as soon as it has likelier ones without. So the beam of
a sentence that requires something is shared out among banks: hypotheses that have as many tokens of their phrases
compete with each other alone. At each step a hypothesis can go on with what is likeliest, and with each token that
brings it nearer to its end; `</s>` is for those that have met everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from nmtk.decoding.living import Living
from nmtk.decoding.penalties import Penalty
from nmtk.decoding.strategies import Beam, Choice, Chooser, Stop
from nmtk.errors import OptionsError

Spellings: TypeAlias = Sequence[Sequence[int]]
"""The ways to spell a phrase in pieces: one of them is enough."""


Candidate: TypeAlias = tuple[float, int, int]
"""How a hypothesis may go on: the log-probability with one token more, the hypothesis' row, the token."""


class State(NamedTuple):
    """How far a hypothesis is: which phrases it has met, and how much of each spelling it ends with."""

    met: frozenset[int]
    at: tuple[int, ...]


class Requirement:
    """What one sentence requires, as automata that read its hypotheses token by token (Knuth, Morris & Pratt 1977)."""

    def __init__(self, phrases: Sequence[Spellings]):
        self.spellings = [(number, tuple(ids)) for number, phrase in enumerate(phrases) for ids in phrase]
        self.falls = [_falls(ids) for _, ids in self.spellings]
        self.shortest = [min(map(len, phrase)) for phrase in phrases]
        self.total = sum(self.shortest)
        self.start = State(frozenset(), (0,) * len(self.spellings))

    def after(self, state: State, token: int) -> State:
        """The state when one more token is said."""
        met, at = set(state.met), []
        for (number, ids), falls, place in zip(self.spellings, self.falls, state.at, strict=True):
            while place and ids[place] != token:
                place = falls[place - 1]
            place += ids[place] == token
            if place == len(ids):
                met.add(number)
                place = falls[place - 1]
            at.append(place)
        return State(frozenset(met), tuple(at))

    def missing(self, state: State) -> int:
        """So many more tokens are enough to meet everything; fewer, where phrases overlap."""
        saved = 0
        for (number, ids), place in zip(self.spellings, state.at, strict=True):
            if number not in state.met:
                saved = max(saved, self.shortest[number] - (len(ids) - place))
        return sum(size for number, size in enumerate(self.shortest) if number not in state.met) - saved

    def wanted(self, state: State) -> set[int]:
        """The tokens that begin a phrase, or go on with one."""
        return {
            ids[at]
            for (number, ids), place in zip(self.spellings, state.at, strict=True)
            if number not in state.met
            for at in (0, place)
        }


class RequiringBeam:
    """A beam in whose batch some sentences require phrases; the others go their way as if they were alone.

    All phrases are met, if the limit leaves room for them and no rule stands against it. Otherwise the hypotheses
    that have most of them end at the limit.
    """

    groups = 1

    def __init__(self, beam: Beam, required: Mapping[int, Sequence[Spellings]], eos: int):
        self.beam, self.eos = beam, eos
        self.width: int = beam.width
        self.penalty: Penalty = beam.penalty
        self.stop: Stop = beam.stop
        self.requirements = {sentence: Requirement(phrases) for sentence, phrases in required.items()}
        self.ended: set[int] = set()

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """The beam's own choice, but for the sentences that require something."""
        choice = self.beam.choose(living, next_BWV)
        for place, sentence in enumerate(living.sentence_B.tolist()):
            if sentence in self.requirements:
                self._share_out(living, place, sentence, next_BWV[place], choice)
        return choice

    def _share_out(self, living: Living, place: int, sentence: int, next_WV: Tensor, choice: Choice) -> None:
        """Put into the choice what the banks of one sentence hold."""
        requirement, limit = self.requirements[sentence], int(living.limit_B[place])
        states = {
            row: self._read(requirement, tokens)
            for row, (tokens, logp) in enumerate(
                zip(living.token_BWT[place].tolist(), living.logp_BW[place].tolist(), strict=True)
            )
            if logp > -torch.inf
        }
        candidates = self._candidates(requirement, states, living.logp_BW[place], next_WV)
        missing = {key: requirement.missing(state) for key, (_, state) in candidates.items()}
        if living.step == limit:
            least = min(missing.values(), default=0)
            kept = {key for key in candidates if missing[key] == least and (not least or sentence not in self.ended)}
        else:
            kept = {key for key in candidates if key[1] != self.eos or not missing[key]}
        # First those that surely have room for all that is missing: so it is met, however narrow the beam.
        banks: list[dict[int, list[Candidate]]] = [{}, {}]
        for key in kept:
            late = living.step + missing[key] >= limit
            banks[late].setdefault(missing[key], []).append((candidates[key][0], *key))
        ordered = (candidate for some in banks for candidate in _deal(some, self.width))
        chosen = list(islice(ordered, choice.logp_BC.shape[1]))
        if any(token == self.eos for _, _, token in chosen[: self.width]):
            self.ended.add(sentence)
        choice.logp_BC[place] = -torch.inf
        for tensor_BC, values in zip(choice, zip(*chosen, strict=True), strict=False):
            tensor_BC[place, : len(values)] = torch.tensor(values, dtype=tensor_BC.dtype)

    def _read(self, requirement: Requirement, tokens: Sequence[int]) -> State:
        state = requirement.start
        for token in tokens:
            state = requirement.after(state, token)
        return state

    def _candidates(
        self, requirement: Requirement, states: Mapping[int, State], base_W: Tensor, next_WV: Tensor
    ) -> dict[tuple[int, int], tuple[float, State]]:
        """By hypothesis and token: the log-probability of the two, and the state after them."""
        likely = next_WV.topk(min(self.width + 1, next_WV.shape[1])).indices.tolist()
        pairs = [
            (row, token)
            for row, state in states.items()
            for token in sorted({*likely[row], *requirement.wanted(state), self.eos})
        ]
        rows, tokens = torch.tensor(pairs, dtype=torch.int64, device=next_WV.device).view(-1, 2).T
        logps = (base_W[rows] + next_WV[rows, tokens]).tolist()
        return {
            (row, token): (logp, requirement.after(states[row], token))
            for (row, token), logp in zip(pairs, logps, strict=True)
            if logp > -torch.inf
        }


def requiring(strategy: Chooser, required: Sequence[Sequence[Spellings]], eos: int) -> Chooser:
    """The strategy for a batch: itself, where no sentence requires anything. Raises OptionsError if it is no beam."""
    asking = {sentence: phrases for sentence, phrases in enumerate(required) if phrases}
    if not asking:
        return strategy
    if not isinstance(strategy, Beam):
        kind = getattr(strategy, "kind", type(strategy).__name__)
        raise OptionsError(f"required phrases need a beam that they can share: found {kind}, wanted beam")
    return RequiringBeam(strategy, asking, eos)


def _deal(banks: Mapping[int, list[Candidate]], width: int) -> Iterator[Candidate]:
    """All candidates, round by round the best one left of each bank, so that each has its share of the width.

    Where there are more banks than that, those that come first are spread evenly, from the furthest to the last.
    """
    ranked = {missing: sorted(bank, reverse=True) for missing, bank in banks.items()}
    order = sorted(ranked)
    if len(order) > width:
        order = [order[at * (len(order) - 1) // max(1, width - 1)] for at in range(width)]
        order += sorted(ranked.keys() - set(order))
    for turn in range(max(map(len, ranked.values()), default=0)):
        yield from (ranked[missing][turn] for missing in order if turn < len(ranked[missing]))


def _falls(ids: Sequence[int]) -> list[int]:
    """For each length of a beginning, less one: the longest shorter beginning that it ends with."""
    falls = [0]
    for token in ids[1:]:
        place = falls[-1]
        while place and ids[place] != token:
            place = falls[place - 1]
        falls.append(place + (ids[place] == token))
    return falls
