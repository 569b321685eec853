"""The one search loop: it owns the cache, what has finished, and which sentences are still in the batch.

Each strategy only chooses, so that greedy search, beam search and what is to come share all that is here.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from nmtk.decoding.hypotheses import Finished, History, Hypothesis
from nmtk.decoding.strategies import Strategy
from nmtk.errors import ModelError, OptionsError


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

    def start(self, memory_BSD: Any, keep_BS: Tensor | None, width: int, longest: int) -> Any:
        """The cache of B * width rows, for up to `longest` steps."""

    def step(self, token_R: Tensor, cache: Any) -> Tensor:
        """The scores (logits) of the next token, [R, V], after one more token in each row."""


class Specials(NamedTuple):
    """The target ids that search must know: what begins a sentence, what ends it, what never stands in it."""

    bos: int
    eos: int
    never: tuple[int, ...] = ()


@torch.inference_mode()
def search(
    model: Decoder,
    source_BS: Tensor,
    keep_BS: Tensor | None,
    limits: Sequence[int],
    strategy: Strategy,
    specials: Specials,
    best: int = 1,
) -> list[list[Hypothesis]]:
    """Translate a batch: for each sentence its `best` hypotheses (fewer, where there are no more), best first.

    `limits` are the longest lengths allowed of the sentences, 1 or more, `</s>` included: at that step only `</s>`
    may follow, at its own probability, so that every hypothesis is a whole sentence with the model's true probability.
    The result of a sentence does not depend on the others in the batch.

    Raises OptionsError when more hypotheses are wanted than the strategy is wide, ModelError when the model gives
    numbers that are no probabilities.
    """
    width, device = strategy.width, source_BS.device
    if best > width:
        raise OptionsError(f"the {best} best of a beam of width {width}: wanted a width of {best} or more")
    longest, ends = max(limits), set(limits)
    limit_B = torch.tensor(limits, device=device)
    divisor_T = torch.tensor([strategy.penalty.divisor(length) for length in range(longest + 1)], device=device)
    never = torch.tensor([i for i in specials.never if i != specials.eos], dtype=torch.int64, device=device)

    history = History(len(source_BS), width, longest, device)
    finished = Finished(len(source_BS), best, device)
    cache = model.start(model.encode(source_BS, keep_BS), keep_BS, width, longest)
    alive_B = torch.arange(len(source_BS), device=device)
    done_B = torch.zeros_like(alive_B, dtype=torch.bool)
    token_BW = torch.full((len(source_BS), width), specials.bos, device=device)
    logp_BW = torch.full(token_BW.shape, -torch.inf, device=device)
    logp_BW[:, 0] = 0.0  # one hypothesis to begin with: all rows are still equal

    for step in range(1, longest + 1):
        next_RV = torch.log_softmax(model.step(token_BW.flatten(), cache), -1, dtype=torch.float32)
        next_RV.index_fill_(1, never, -torch.inf)
        next_BWV = next_RV.view(*token_BW.shape, -1)
        if step in ends:
            _only(specials.eos, next_BWV, limit_B == step)

        choice = strategy.choose(logp_BW, next_BWV)
        ends_BC = choice.token_BC == specials.eos
        ended_BW = (ends_BC[:, :width] & ~done_B[:, None]) & (choice.logp_BC[:, :width] > -torch.inf)
        if ended_BW.any():
            ended_logp_BW = choice.logp_BC[:, :width].masked_fill(~ended_BW, -torch.inf)
            finished.add(step, alive_B, ended_logp_BW, divisor_T[step], choice.parent_BC[:, :width])

        logp_BW, place_BW = choice.logp_BC.masked_fill(ends_BC, -torch.inf).topk(width)
        parent_BW, token_BW = choice.parent_BC.gather(1, place_BW), choice.token_BC.gather(1, place_BW)
        history.add(step, alive_B, parent_BW, token_BW, logp_BW)

        done_B = finished.score_NP[alive_B, -1] >= logp_BW[:, 0] / divisor_T[limit_B]
        if strategy.stop == "full":
            done_B |= finished.count_N[alive_B] >= width
        left = len(done_B) - int(done_B.sum())
        if left == 0:
            break
        if left <= _FULL * len(done_B):
            stay = (~done_B).nonzero().squeeze(1)
            cache.keep(stay)
            alive_B, limit_B, done_B = alive_B[stay], limit_B[stay], done_B[stay]
            token_BW, parent_BW, logp_BW = token_BW[stay], parent_BW[stay], logp_BW[stay]
        if width > 1:
            first_B = torch.arange(0, parent_BW.numel(), width, device=device)
            cache.reorder((first_B[:, None] + parent_BW).flatten())

    if not finished.score_NP[:, 0].isfinite().all():
        raise ModelError("the model's scores are not finite: its weights are damaged, or its precision too low")
    return history.trace(finished)


_FULL = 7 / 8
"""The share of a batch that must still be at work for the others to be carried along: leaving copies the cache."""


def _only(token: int, next_BWV: Tensor, where_B: Tensor) -> None:
    """Leave these sentences no other token than this one."""
    kept_BW = next_BWV[where_B, :, token]
    next_BWV[where_B] = -torch.inf
    next_BWV[where_B, :, token] = kept_BW
