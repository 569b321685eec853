"""Hypotheses as tensors: every step's choices for tracing back, and the best that have finished of each sentence.

N sentences of the batch as it began; B of them still in it. P finished hypotheses are kept of each, best first.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Hypothesis(NamedTuple):
    """A finished translation of one sentence."""

    ids: list[int]
    """Target pieces, without `</s>`."""
    score: float
    """Log-probability over the length penalty's divisor: what hypotheses are compared by."""
    logp: float
    """Natural log-probability of the pieces and `</s>`."""
    token_logps: list[float]
    """That of each piece and, last, of `</s>`."""


class History:
    """What was chosen at each step, by sentence and beam slot; a hypothesis is read by following its parents."""

    def __init__(self, sentences: int, width: int, longest: int, device: torch.device):
        self.parent_TNW = torch.zeros(longest + 1, sentences, width, dtype=torch.int64, device=device)
        self.token_TNW = torch.zeros_like(self.parent_TNW)
        self.logp_TNW = torch.zeros(self.token_TNW.shape, device=device)

    def add(self, step: int, sentences_B: Tensor, parent_BW: Tensor, token_BW: Tensor, logp_BW: Tensor) -> None:
        """Note the hypotheses that live on after a step."""
        self.parent_TNW[step, sentences_B] = parent_BW
        self.token_TNW[step, sentences_B] = token_BW
        self.logp_TNW[step, sentences_B] = logp_BW

    def trace(self, finished: "Finished") -> list[list[Hypothesis]]:
        """The finished hypotheses of each sentence, best first."""
        step_NP, slot_NP = finished.step_NP, finished.slot_NP
        longest = int(step_NP.max())
        token_TNP = step_NP.new_zeros(longest + 1, *step_NP.shape)
        logp_TNP = finished.logp_NP.repeat(longest + 1, 1, 1)  # from its last step on, a hypothesis stays as it is
        logp_TNP[0] = 0
        for step in range(longest - 1, 0, -1):
            within_NP = step < step_NP
            token_TNP[step] = self.token_TNW[step].gather(1, slot_NP)
            logp_TNP[step] = torch.where(within_NP, self.logp_TNW[step].gather(1, slot_NP), logp_TNP[step])
            slot_NP = torch.where(within_NP, self.parent_TNW[step].gather(1, slot_NP), slot_NP)
        tokens, parts = token_TNP.permute(1, 2, 0).tolist(), logp_TNP.diff(dim=0).permute(1, 2, 0).tolist()
        steps, logps, scores = step_NP.tolist(), finished.logp_NP.tolist(), finished.score_NP.tolist()
        return [
            [
                Hypothesis(tokens[n][p][1 : steps[n][p]], scores[n][p], logps[n][p], parts[n][p][: steps[n][p]])
                for p in range(len(steps[n]))
                if steps[n][p]
            ]
            for n in range(len(steps))
        ]


class Finished:
    """The best finished hypotheses of each sentence: score, log-probability, and where the way back begins.

    step_NP is the length with `</s>`, 0 where there is no hypothesis; slot_NP is the beam slot at the step before.
    """

    def __init__(self, sentences: int, best: int, groups: int, device: torch.device):
        self.score_NP = torch.full((sentences, best), -torch.inf, device=device)
        self.logp_NP = self.score_NP.clone()
        self.step_NP = torch.zeros(sentences, best, dtype=torch.int64, device=device)
        self.slot_NP = self.step_NP.clone()
        self.count_NG = self.step_NP.new_zeros(sentences, groups)
        """How many of each group have finished, kept or not."""

    def add(self, step: int, sentences_B: Tensor, logp_BW: Tensor, divisor: Tensor, slot_BW: Tensor) -> None:
        """Take in hypotheses that end at this step; those with log-probability -inf are none."""
        scores = torch.cat([self.score_NP[sentences_B], logp_BW / divisor], 1)
        score_BP, place_BP = scores.topk(self.score_NP.shape[1])

        def pick(old_NP: Tensor, new_BW: Tensor) -> None:
            old_NP[sentences_B] = torch.cat([old_NP[sentences_B], new_BW], 1).gather(1, place_BP)

        pick(self.logp_NP, logp_BW)
        pick(self.slot_NP, slot_BW)
        real_BW = logp_BW > -torch.inf
        pick(self.step_NP, real_BW * step)
        self.score_NP[sentences_B] = score_BP
        self.count_NG[sentences_B] += real_BW.view(len(real_BW), self.count_NG.shape[1], -1).sum(2)
