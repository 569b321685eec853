"""The one search loop: it owns the cache, what has finished, and which sentences are still in the batch.

A strategy only chooses how hypotheses go on, and a rule only says what may come next, so that all of them share what
is here.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from nmtk.decoding.hypotheses import Finished, History, Hypothesis
from nmtk.decoding.living import Living
from nmtk.decoding.rules import Rule
from nmtk.decoding.specials import Specials
from nmtk.decoding.strategies import Choice, Chooser
from nmtk.errors import ModelError, OptionsError


class NoTranslation(OptionsError):
    """The rules leave a sentence none at all: the one at this place of the batch."""

    def __init__(self, place: int):
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return "no translation can keep to all that is required and forbidden at once"


class Cache(Protocol):
    """What a model keeps between steps, for R = B * W rows."""

    def reorder(self, rows_R: Tensor) -> None:
        """Row r becomes what row rows_R[r] was, always of the same sentence."""

    def keep(self, sentences: Tensor) -> None:
        """Only these sentences stay, in this order."""


class Decoder(Protocol):
    """What search asks of a model. What `encode` returns goes to `start` alone, so it may be anything."""

    def encode(self, source_BS: Tensor, keep_BS: Tensor | None) -> Any:
        """Read the source sentences."""

    def start(self, memory_BSD: Any, keep_BS: Tensor | None, width: int, longest: int, apart: bool = False) -> Any:
        """The cache of B * width rows, for up to `longest` steps; `apart` where rows never take each other's place."""

    def step(self, token_R: Tensor, cache: Any) -> Tensor:
        """Log-probabilities of the next token after one more in each row, [R, V], float32; search may change them."""


@torch.inference_mode()
def search(
    model: Decoder,
    source_BS: Tensor,
    keep_BS: Tensor | None,
    limits: Sequence[int],
    strategy: Chooser,
    specials: Specials,
    best: int = 1,
    rules: Sequence[Rule] = (),
    keys: Sequence[int] | None = None,
) -> list[list[Hypothesis]]:
    """Translate a batch: for each sentence its `best` hypotheses (fewer, where there are no more), best first.

    `limits` are the longest lengths allowed of the sentences, 1 or more, `</s>` included: at that step only `</s>`
    may follow, at its own probability, so that every hypothesis is a whole sentence with the model's true probability.
    The result of a sentence does not depend on the others in the batch. `keys` name the sentences for strategies
    that draw random numbers: same key, same draw; the sentence's place in the batch, if none are given.

    Raises OptionsError when more hypotheses are wanted than the strategy is wide, NoTranslation when the rules leave a
    sentence none at all, ModelError when the model gives numbers that are no probabilities.
    """
    width, groups, device = strategy.width, strategy.groups, source_BS.device
    share = width // groups
    if best > width:
        raise OptionsError(f"the {best} best of a beam of width {width}: wanted a width of {best} or more")
    longest, ends, count = max(limits), set(limits), len(source_BS)
    limit_B = torch.tensor(limits, device=device)
    divisor_T = torch.tensor([strategy.penalty.divisor(length) for length in range(longest + 1)], device=device)
    never = torch.tensor([i for i in specials.never if i != specials.eos], dtype=torch.int64, device=device)

    history = History(count, width, longest, device)
    finished = Finished(count, best, groups, device)
    cache = model.start(model.encode(source_BS, keep_BS), keep_BS, width, longest, 1 < width == groups)
    alive_B = torch.arange(count, device=device)
    key_B = alive_B if keys is None else torch.tensor(keys, device=device)
    done_B = torch.zeros_like(alive_B, dtype=torch.bool)
    token_BWT = torch.zeros(count, width, longest, dtype=torch.int64, device=device)
    token_BW = torch.full((count, width), specials.bos, device=device)
    logp_BW = torch.full(token_BW.shape, -torch.inf, device=device)
    logp_BW[:, ::share] = 0.0  # one hypothesis in each group to begin with: all rows are still equal

    for step in range(1, longest + 1):
        next_RV = model.step(token_BW.flatten(), cache)
        next_BWV = next_RV.index_fill_(1, never, -torch.inf).view(*token_BW.shape, -1)
        living = Living(step, alive_B, key_B, limit_B, token_BWT[:, :, : step - 1], logp_BW)
        last_BW = next_BWV[:, :, specials.eos].clone() if step in ends else None
        for rule in rules:
            rule.apply(living, next_BWV)
        if last_BW is not None:
            _only(specials.eos, next_BWV, last_BW, limit_B == step)

        choice = strategy.choose(living, next_BWV)
        ends_BC = choice.token_BC == specials.eos
        ended_BW, ended_logp_BW, ended_parent_BW = _ended(choice, ends_BC, groups, share)
        ended_BW &= ~done_B[:, None] & (ended_logp_BW > -torch.inf)
        if ended_BW.any():
            ended_logp_BW.masked_fill_(~ended_BW, -torch.inf)
            finished.add(step, alive_B, ended_logp_BW, divisor_T[step], ended_parent_BW)

        logp_BW, parent_BW, token_BW = _going_on(choice, ends_BC, groups, share)
        history.add(step, alive_B, parent_BW, token_BW, logp_BW)
        if share > 1:
            token_BWT[:, :, : step - 1] = token_BWT[:, :, : step - 1].gather(
                1, parent_BW[:, :, None].expand(-1, -1, step - 1)
            )
        token_BWT[:, :, step - 1] = token_BW

        if strategy.stop != "exact":
            full_BG = finished.count_NG[alive_B] >= share
            if strategy.stop == "best":
                best_BG = logp_BW.view(-1, groups, share).amax(2) / divisor_T[step]
                full_BG &= finished.score_NP[alive_B, :1] >= best_BG
            logp_BW = logp_BW.masked_fill(full_BG.repeat_interleave(share, 1), -torch.inf)
        done_B = finished.score_NP[alive_B, -1] >= logp_BW.amax(1) / divisor_T[limit_B]
        left = len(done_B) - int(done_B.sum())
        if left == 0:
            break
        if left <= _FULL * len(done_B):
            stay = (~done_B).nonzero().squeeze(1)
            cache.keep(stay)
            alive_B, key_B, limit_B, done_B = alive_B[stay], key_B[stay], limit_B[stay], done_B[stay]
            token_BW, parent_BW, logp_BW, token_BWT = token_BW[stay], parent_BW[stay], logp_BW[stay], token_BWT[stay]
        if share > 1:
            first_B = torch.arange(0, parent_BW.numel(), width, device=device)
            cache.reorder((first_B[:, None] + parent_BW).flatten())

    lacking_B = ~finished.score_NP[:, 0].isfinite()
    if lacking_B.any():
        if rules and not torch.isnan(logp_BW).any():
            raise NoTranslation(int(lacking_B.nonzero()[0]))
        raise ModelError("the model's scores are not finite: its weights are damaged, or its precision too low")
    return history.trace(finished)


_FULL = 7 / 8
"""The share of a batch that must still be at work for the others to be carried along: leaving copies the cache."""


def _only(token: int, next_BWV: Tensor, kept_BW: Tensor, where_B: Tensor) -> None:
    """Leave these sentences no other token than this one, at the score that it had."""
    next_BWV[where_B] = -torch.inf
    next_BWV[where_B, :, token] = kept_BW[where_B]


def _ended(choice: Choice, ends_BC: Tensor, groups: int, share: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of the first candidates of each group, as many as it has rows: which end, their log-probability, their parent."""
    parts = (len(ends_BC), groups, -1)
    ends_BW, logp_BW, parent_BW = (
        x_BC.reshape(parts)[:, :, :share].flatten(1) for x_BC in (ends_BC, choice.logp_BC, choice.parent_BC)
    )
    return ends_BW.clone(), logp_BW.clone(), parent_BW


def _going_on(choice: Choice, ends_BC: Tensor, groups: int, share: int) -> tuple[Tensor, Tensor, Tensor]:
    """The best of each group's candidates that do not end: their log-probability, parent and token."""
    logp_BC = choice.logp_BC.masked_fill(ends_BC, -torch.inf)
    if groups * share == ends_BC.shape[1]:
        return logp_BC, choice.parent_BC, choice.token_BC
    # Stable, so that a strategy may put other things before the log-probability.
    order_BGC = ends_BC.view(len(ends_BC), groups, -1).byte().argsort(dim=-1, stable=True)[:, :, :share]
    size = ends_BC.shape[1] // groups
    place_BW = (order_BGC + torch.arange(0, groups * size, size, device=ends_BC.device)[:, None]).flatten(1)
    return logp_BC.gather(1, place_BW), choice.parent_BC.gather(1, place_BW), choice.token_BC.gather(1, place_BW)
