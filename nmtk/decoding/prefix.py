"""Prefixes: how translations must begin."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nmtk.decoding.forbidden import Spelling
from nmtk.decoding.living import Living
from nmtk.decoding.rules import Rule
from nmtk.decoding.sentences import Sentence


class Prefix:
    """Each sentence begins with the tokens given for it, at the model's own probabilities (Wuebker et al. 2016).

    Behind them may stand a word that is only begun. Its own pieces would leave the model where it never was in
    training, as `Hun` is no piece of `Hund`; so there, any piece is possible that the text begun agrees with.

    What is asked for stands above all other rules, so they are inside this one.
    """

    def __init__(self, batch: Sequence[Sentence], rules: Sequence[Rule], spelling: Spelling, device: torch.device):
        self.batch, self.rules, self.spelling = batch, rules, spelling
        self.longest = max(len(one.prefix) for one in batch)
        self.last = max(len(one.prefix) + len(one.begun) for one in batch)
        rows = [[*one.prefix, *[-1] * (self.longest - len(one.prefix))] for one in batch]
        self.token_NT = torch.tensor(rows, dtype=torch.int64, device=device)

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Leave the given token alone, where there is one for this step; else what goes on with the word begun."""
        if living.step > self.last:
            self._inner(living, next_BWV)
            return
        begun = self._going_on(living)
        before = [next_BWV[b, w, pieces] for b, w, pieces in begun]
        if living.step <= self.longest:
            token_B = self.token_NT[living.sentence_B, living.step - 1]
            forced = (token_B >= 0).nonzero().squeeze(1)
            logp_FW = next_BWV[forced, :, token_B[forced]]
            self._inner(living, next_BWV)
            next_BWV[forced] = -torch.inf
            next_BWV[forced, :, token_B[forced]] = logp_FW
        else:
            self._inner(living, next_BWV)
        for (b, w, pieces), free in zip(begun, before, strict=True):
            ruled = next_BWV[b, w, pieces]
            next_BWV[b, w] = -torch.inf
            next_BWV[b, w, pieces] = torch.where((ruled > -torch.inf).any(), ruled, free)

    def _inner(self, living: Living, next_BWV: Tensor) -> None:
        for rule in self.rules:
            rule.apply(living, next_BWV)

    def _going_on(self, living: Living) -> list[tuple[int, int, list[int]]]:
        """The hypotheses that have still to spell what is begun, and the pieces that may follow."""
        found = []
        for b, number in enumerate(living.sentence_B.tolist()):
            first, begun = len(self.batch[number].prefix), self.batch[number].begun
            if first < living.step <= first + len(begun):
                for w, tokens in enumerate(living.token_BWT[b, :, first:].tolist()):
                    said = b"".join(self.spelling.texts[token] for token in tokens)
                    if len(said) < len(begun):
                        found.append((b, w, self.spelling.agreeing_with(begun[len(said) :])))
        return found
